/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console behind the SCLP: a terminal that takes bytes (ASCII), or an operator's console
 * that takes and gives lines (console_line.c).
 */
#include "console_line.h"
#include "s390x.h"
#include "sclp.h"
#include <arch/console.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <string.h>

#define PAGE_ALIGNED __attribute__((aligned(SCCB_SIZE)))

struct sccb_mask {
    struct sccb_header header;
    uint16_t reserved, length;
    uint32_t receive, send;                  /* what we want */
    uint32_t can_receive, can_send_to_guest; /* what the SCLP has */
};

struct sccb_event {
    struct sccb_header header;
    struct sclp_event event;
};

static uint8_t output[SCCB_SIZE] PAGE_ALIGNED;
static uint8_t input[SCCB_SIZE] PAGE_ALIGNED;

static bool ascii, lines;

void arch_console_init(void)
{
    /* Not one of those in use: after a reset other CPUs may be about to print. */
    static struct sccb_mask sccb __attribute__((aligned(64)));

    memset(&sccb, 0, sizeof(sccb));
    sccb.header.length = sizeof(sccb);
    sccb.length = sizeof(sccb.receive);
    sccb.receive = SCLP_MASK(SCLP_EVENT_ASCII) | SCLP_MASK(SCLP_EVENT_COMMAND);
    sccb.send = SCLP_MASK(SCLP_EVENT_ASCII) | SCLP_MASK(SCLP_EVENT_MESSAGE);
    if (sclp_call(SCLP_WRITE_MASK, &sccb.header) != SCLP_OK)
        return;
    ascii = sccb.can_receive & SCLP_MASK(SCLP_EVENT_ASCII);
    lines = !ascii && sccb.can_receive & SCLP_MASK(SCLP_EVENT_MESSAGE);
}

/* An event with room for `size` bytes of data, in the SCCB for output. */
static uint8_t *new_event(uint8_t type, size_t size)
{
    struct sccb_event *sccb = (struct sccb_event *)output;

    memset(sccb, 0, sizeof(*sccb));
    sccb->event.type = type;
    sccb->event.length = (uint16_t)(sizeof(sccb->event) + size);
    sccb->header.length = (uint16_t)(sizeof(sccb->header) + sccb->event.length);
    return sccb->event.data;
}

void arch_console_putc(char c)
{
    if (ascii) {
        *new_event(SCLP_EVENT_ASCII, 1) = (uint8_t)c;
        sclp_call(SCLP_WRITE_EVENT, (struct sccb_header *)output);
    } else if (lines) {
        size_t length = console_line_add(c);

        if (length > 0) {
            console_line_take(new_event(SCLP_EVENT_MESSAGE, length));
            sclp_call(SCLP_WRITE_EVENT, (struct sccb_header *)output);
        }
    }
}

/* ---- input ---- */

static void ascii_input(const uint8_t *data, size_t length)
{
    /* The first byte says what follows: 0, text. */
    for (size_t i = 1; i < length && data[0] == 0; i++)
        console_input((char)data[i]);
}

/* Under the lock. */
static void read_event(void)
{
    struct sccb_event *sccb = (struct sccb_event *)input;
    size_t length;

    memset(sccb, 0, sizeof(*sccb));
    sccb->header.length = SCCB_SIZE;
    if (sclp_call(SCLP_READ_EVENT, &sccb->header) != SCLP_OK ||
        sccb->event.length <= sizeof(sccb->event) ||
        sccb->event.length > SCCB_SIZE - sizeof(sccb->header))
        return;
    length = sccb->event.length - sizeof(sccb->event);
    if (sccb->event.type == SCLP_EVENT_ASCII)
        ascii_input(sccb->event.data, length);
    else if (sccb->event.type == SCLP_EVENT_COMMAND)
        console_line_input(sccb->event.data, length);
}

/* A floating interrupt: for the next piece of input it may come on another CPU. */
void s390_sclp_interrupt(uint32_t parameter)
{
    static struct spinlock lock = SPINLOCK_INIT("console input", LOCK_RANK_INPUT);
    irqflags_t flags;

    if (!(parameter & 3)) /* the end of a command: sclp_call() has seen it */
        return;
    flags = spin_lock(&lock);
    read_event();
    spin_unlock(&lock, flags);
}

void arch_console_enable_input(void)
{
    if (!ascii && !lines)
        log_warning("console", "the SCLP has no console: there is no input");
    else
        /* What was typed before this has no interrupt of its own. */
        s390_sclp_interrupt(1);
}
