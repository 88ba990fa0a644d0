/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of errno values.
 */
#include <neap/compiler.h>
#include <neap/errors.h>

#define NAME(error)   \
    {                 \
        error, #error \
    }

static const struct {
    int error;
    const char *name;
} names[] = {
    NAME(EPERM),        NAME(ENOENT),     NAME(EINTR),        NAME(EIO),
    NAME(ENXIO),        NAME(E2BIG),      NAME(EBADF),        NAME(EAGAIN),
    NAME(ENOMEM),       NAME(EACCES),     NAME(EFAULT),       NAME(EBUSY),
    NAME(EEXIST),       NAME(ENODEV),     NAME(EINVAL),       NAME(EMFILE),
    NAME(ENOSPC),       NAME(EPIPE),      NAME(EDOM),         NAME(ERANGE),
    NAME(EDEADLK),      NAME(ENOSYS),     NAME(EPROTO),       NAME(EBADMSG),
    NAME(EOVERFLOW),    NAME(ENOTSUP),    NAME(ETIMEDOUT),    NAME(ECANCELED),
    NAME(ENOTCONN),     NAME(ENOBUFS),    NAME(EADDRINUSE),   NAME(EHOSTUNREACH),
    NAME(ECONNREFUSED), NAME(ECONNRESET), NAME(ECONNABORTED),
};

const char *error_name(int error)
{
    if (error < 0)
        error = -error;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].error == error)
            return names[i].name;
    return "unknown error";
}
