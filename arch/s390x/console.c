/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console behind the SCLP: a terminal that takes bytes (ASCII), or an operator's console
 * that takes and gives lines in EBCDIC.
 */
#include "s390x.h"
#include "sclp.h"
#include <arch/console.h>
#include <neap/log.h>
#include <string.h>

#define PAGE_ALIGNED __attribute__((aligned(SCCB_SIZE)))

#define LINE_MAX 256

/* A message data block with one line of text: what the operator's console takes. */
struct message {
    uint16_t block_length, block_type;
    uint32_t tag, revision;
    uint16_t object_length, object_type;
    uint16_t line_flags;
    uint8_t alarm, reserved[3];
    uint8_t text[LINE_MAX];
} __attribute__((packed));

#define MESSAGE_TAG    0xd4c4c240u /* "MDB " in EBCDIC */
#define MESSAGE_TEXT   4
#define MESSAGE_HEADER offsetof(struct message, object_length)
#define MESSAGE_OBJECT (offsetof(struct message, text) - MESSAGE_HEADER)
#define LINE_END       0x1000

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
static uint8_t line[LINE_MAX]; /* line mode: what is not sent yet */
static unsigned line_length;

void arch_console_init(void)
{
    struct sccb_mask *sccb = (struct sccb_mask *)output;

    memset(sccb, 0, sizeof(*sccb));
    sccb->header.length = sizeof(*sccb);
    sccb->length = sizeof(sccb->receive);
    sccb->receive = SCLP_MASK(SCLP_EVENT_ASCII) | SCLP_MASK(SCLP_EVENT_COMMAND);
    sccb->send = SCLP_MASK(SCLP_EVENT_ASCII) | SCLP_MASK(SCLP_EVENT_MESSAGE);
    if (sclp_call(SCLP_WRITE_MASK, &sccb->header) != SCLP_OK)
        return;
    ascii = sccb->can_receive & SCLP_MASK(SCLP_EVENT_ASCII);
    lines = !ascii && sccb->can_receive & SCLP_MASK(SCLP_EVENT_MESSAGE);
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

static void send_line(void)
{
    size_t size = MESSAGE_HEADER + MESSAGE_OBJECT + line_length;
    struct message *message = (struct message *)new_event(SCLP_EVENT_MESSAGE, size);

    memset(message, 0, offsetof(struct message, text));
    message->block_length = (uint16_t)size;
    message->block_type = 1;
    message->tag = MESSAGE_TAG;
    message->revision = 1;
    message->object_length = (uint16_t)(MESSAGE_OBJECT + line_length);
    message->object_type = MESSAGE_TEXT;
    message->line_flags = LINE_END;
    memcpy(message->text, line, line_length);
    line_length = 0;
    sclp_call(SCLP_WRITE_EVENT, (struct sccb_header *)output);
}

void arch_console_putc(char c)
{
    if (ascii) {
        *new_event(SCLP_EVENT_ASCII, 1) = (uint8_t)c;
        sclp_call(SCLP_WRITE_EVENT, (struct sccb_header *)output);
    } else if (lines) {
        if (c != '\n' && c != '\r')
            line[line_length++] = (uint8_t)c;
        if (c == '\n' || line_length == LINE_MAX)
            send_line();
    }
}

/* ---- input ---- */

static void ascii_input(const uint8_t *data, size_t length)
{
    /* The first byte says what follows: 0, text. */
    for (size_t i = 1; i < length && data[0] == 0; i++)
        console_input((char)data[i]);
}

/* The line is the innermost of nested vectors: length, key, contents. The key of text is 0x30.
 */
static void line_input(const uint8_t *data, size_t length)
{
    static const uint8_t path[] = {0x12, 0x12, 0x13, 0x20, 0x31}; /* outermost first */
    (void)path;
    (void)data;
    (void)length;
}

void s390_sclp_interrupt(uint32_t parameter)
{
    struct sccb_event *sccb = (struct sccb_event *)input;
    size_t length;

    if (!(parameter & 3)) /* the end of a command: sclp_call() has seen it */
        return;
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
        line_input(sccb->event.data, length);
}

void arch_console_enable_input(void)
{
    if (!ascii && !lines)
        log_warning("console", "the SCLP has no console: there is no input");
    else
        /* What was typed before this has no interrupt of its own. */
        s390_sclp_interrupt(1);
}
