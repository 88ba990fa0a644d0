/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: whole lines out, typed bytes in.
 */
#include "internal.h"
#include <arch/console.h>
#include <neap/cmdline.h>
#include <neap/console.h>
#include <neap/errors.h>
#include <neap/wait.h>
#include <string.h>

/* ---- output ---- */

static struct {
    struct spinlock lock;
    bool mid_line;            /* the last byte was not a line's end */
    const struct thread *who; /* wrote it */
} out = {.lock = SPINLOCK_INIT("console output", LOCK_RANK_CONSOLE)};

static void put(char c)
{
    if (c == '\n')
        arch_console_putc('\r');
    arch_console_putc(c);
}

/* Longest piece of a line that is written at once. */
#define PIECE_SIZE 256

/* Write at most one line; a line that another writer left unfinished is ended first. */
static void write_line(const struct thread *who, const char *text, size_t length)
{
    irqflags_t flags = spin_lock(&out.lock);

    if (out.mid_line && out.who != who)
        put('\n');
    for (size_t i = 0; i < length; i++)
        put(text[i]);
    out.mid_line = text[length - 1] != '\n';
    out.who = who;
    spin_unlock(&out.lock, flags);
}

void console_write_as(const struct thread *who, const char *text, size_t length)
{
    while (length > 0) {
        size_t part = MIN(length, (size_t)PIECE_SIZE);
        const char *end = memchr(text, '\n', part);
        char piece[PIECE_SIZE];

        if (end)
            part = (size_t)(end - text) + 1;
        /* Application memory may have to be filled in or waited for: not under the lock. */
        memcpy(piece, text, part);
        /* One lock hold a line, so that interrupts wait for one line at most. */
        write_line(who, piece, part);
        text += part;
        length -= part;
    }
}

void console_write(const char *text, size_t length)
{
    console_write_as(thread_current(), text, length);
}

void console_write_emergency(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(text[i]);
}

/* ---- input ---- */

#define INPUT_SIZE 1024
#define CTRL_C     '\x03'

static struct {
    struct spinlock lock;
    char bytes[INPUT_SIZE];
    unsigned head, tail; /* written and taken so far */
    uint64_t lost;
} in = {.lock = SPINLOCK_INIT("console input", LOCK_RANK_CONSOLE)};

static struct waitqueue in_waiters = WAITQUEUE_INIT(in_waiters, "console input");
static void (*in_listener)(void);

void console_input(char c)
{
    void (*listener)(void);
    irqflags_t flags = spin_lock(&in.lock);

    if (in.head - in.tail < INPUT_SIZE)
        in.bytes[in.head++ % INPUT_SIZE] = c;
    else
        in.lost++;
    spin_unlock(&in.lock, flags);
    wake_all(&in_waiters);
    listener = __atomic_load_n(&in_listener, __ATOMIC_ACQUIRE);
    if (listener)
        listener();
}

void console_on_input(void (*fn)(void))
{
    __atomic_store_n(&in_listener, fn, __ATOMIC_RELEASE);
}

bool console_has_input(void)
{
    return READ_ONCE(in.head) != READ_ONCE(in.tail);
}

static bool has_input(void *arg UNUSED)
{
    return console_has_input();
}

static size_t take_input(char *buffer, size_t size, uint64_t *lost)
{
    irqflags_t flags = spin_lock(&in.lock);
    size_t count = 0;

    while (count < size && in.head != in.tail)
        buffer[count++] = in.bytes[in.tail++ % INPUT_SIZE];
    *lost = in.lost;
    in.lost = 0;
    spin_unlock(&in.lock, flags);
    return count;
}

/* The buffer may be application memory, which must not be touched under the lock. */
static size_t take_all(char *buffer, size_t size)
{
    char bytes[64];
    size_t count = 0, part;
    uint64_t lost;

    do {
        part = take_input(bytes, MIN(size - count, sizeof(bytes)), &lost);
        memcpy(buffer + count, bytes, part);
        count += part;
        if (lost > 0)
            log_warning("console",
                        "%llu typed bytes lost: they came faster than they were read",
                        (unsigned long long)lost);
    } while (part > 0 && count < size);
    return count;
}

int console_read(char *buffer, size_t size, uint64_t timeout_ns)
{
    size_t count = 0;

    if (size == 0)
        return 0;
    /* Another reader may have been quicker. */
    while (count == 0) {
        if (wait_until(&in_waiters, has_input, NULL, timeout_ns) != 0)
            return -ETIMEDOUT;
        count = take_all(buffer, size);
    }
    return (int)count;
}

bool console_interrupted(void)
{
    bool interrupted = false;
    irqflags_t flags;

    if (!console_has_input())
        return false;
    flags = spin_lock(&in.lock);
    for (unsigned i = in.tail; i != in.head; i++) {
        if (in.bytes[i % INPUT_SIZE] == CTRL_C) {
            in.tail = i + 1;
            interrupted = true;
        }
    }
    spin_unlock(&in.lock, flags);
    return interrupted;
}

/* ---- command line ---- */

/* There is one console device per machine; the key is there for loaders that always pass it. */
static int set_console(const char *value)
{
    return strcmp(value, "ttyS0") == 0 || strcmp(value, "serial") == 0 ? 0 : -EINVAL;
}
CMDLINE_KEY(console, "ttyS0 or serial: the serial line is the only console", set_console);
