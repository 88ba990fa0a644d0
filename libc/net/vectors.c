/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several pieces of memory in one call: readv(), writev(), recvmsg(), sendmsg().
 */
#include "socket.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t total(const struct iovec *pieces, size_t count)
{
    size_t sum = 0;

    if (count > IOV_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(sum, pieces[i].iov_len, &sum) || sum > SSIZE_MAX)
            return -EINVAL;
    }
    return (ssize_t)sum;
}

/*
 * Datagrams go and come as one, so the pieces go through one buffer. *size: its length. NULL
 * and errno without memory or sense.
 */
static char *buffer_for(const struct iovec *pieces, size_t count, size_t *size)
{
    ssize_t length = total(pieces, count);
    char *buffer = length < 0 ? NULL : malloc((size_t)length + 1);

    if (length < 0)
        errno = EINVAL;
    *size = (size_t)length;
    return buffer;
}

static void gather(char *buffer, const struct iovec *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(buffer, pieces[i].iov_base, pieces[i].iov_len);
        buffer += pieces[i].iov_len;
    }
}

static void scatter(const char *buffer, ssize_t length, const struct iovec *pieces)
{
    size_t left = length > 0 ? (size_t)length : 0;

    for (size_t i = 0; left > 0; i++) {
        size_t part = left < pieces[i].iov_len ? left : pieces[i].iov_len;

        memcpy(pieces[i].iov_base, buffer, part);
        buffer += part;
        left -= part;
    }
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t size;
    char *buffer = buffer_for(message->msg_iov, message->msg_iovlen, &size);
    ssize_t result;

    if (!buffer)
        return -1;
    gather(buffer, message->msg_iov, message->msg_iovlen);
    result = sendto(fd, buffer, size, flags, message->msg_name, message->msg_namelen);
    free(buffer);
    return result;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    size_t size;
    char *buffer = buffer_for(message->msg_iov, message->msg_iovlen, &size);
    ssize_t result;

    if (!buffer)
        return -1;
    result =
        recvfrom(fd, buffer, size, flags | MSG_TRUNC, message->msg_name, &message->msg_namelen);
    message->msg_controllen = 0;
    message->msg_flags = result > (ssize_t)size ? MSG_TRUNC : 0;
    if (result > (ssize_t)size && !(flags & MSG_TRUNC))
        result = (ssize_t)size;
    scatter(buffer, result < (ssize_t)size ? result : (ssize_t)size, message->msg_iov);
    free(buffer);
    return result;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    size_t size;
    char *buffer = buffer_for(pieces, count < 0 ? SIZE_MAX : (size_t)count, &size);
    ssize_t result;

    if (!buffer)
        return -1;
    gather(buffer, pieces, (size_t)count);
    result = write(fd, buffer, size);
    free(buffer);
    return result;
}

ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    size_t size;
    char *buffer = buffer_for(pieces, count < 0 ? SIZE_MAX : (size_t)count, &size);
    ssize_t result;

    if (!buffer)
        return -1;
    result = read(fd, buffer, size);
    scatter(buffer, result, pieces);
    free(buffer);
    return result;
}
