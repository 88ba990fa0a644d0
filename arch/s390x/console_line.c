/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines to and from the operator's console, in EBCDIC. A prompt, which is no whole line, shows
 * with the line that follows it.
 */
#include "console_line.h"
#include "ebcdic.h"
#include <arch/console.h>
#include <stdbool.h>
#include <string.h>

#define LINE_MAX 256

/* A message data block with one line of text. */
struct message {
    uint16_t block_length, block_type;
    uint32_t tag, revision;
    uint16_t object_length, object_type;
    uint16_t line_flags;
    uint8_t alarm, reserved[3];
    uint8_t text[];
} __attribute__((packed));

#define BLOCK_TYPE     1
#define BLOCK_TAG      0xd4c4c240u /* "MDB " */
#define BLOCK_REVISION 1
#define OBJECT_TEXT    4
#define LINE_END       0x1000
#define OBJECT_START   offsetof(struct message, object_length)

static uint8_t line[LINE_MAX];
static size_t line_length;

size_t console_line_add(char c)
{
    if (c != '\n' && c != '\r')
        line[line_length++] = ebcdic_from_ascii(c);
    return c == '\n' || line_length == LINE_MAX ? sizeof(struct message) + line_length : 0;
}

void console_line_take(uint8_t *data)
{
    struct message *message = (struct message *)data;
    size_t size = sizeof(*message) + line_length;

    *message = (struct message){.block_length = (uint16_t)size,
                                .block_type = BLOCK_TYPE,
                                .tag = BLOCK_TAG,
                                .revision = BLOCK_REVISION,
                                .object_length = (uint16_t)(size - OBJECT_START),
                                .object_type = OBJECT_TEXT,
                                .line_flags = LINE_END};
    memcpy(message->text, line, line_length);
    line_length = 0;
}

/* ---- input: the text lies in vectors within vectors ---- */

#define MESSAGE_UNIT  0x1310
#define CONTROL_POINT 0x1212
#define TEXT_COMMAND  0x1320
#define SELF_DEFINED  0x31
#define TEXT          0x30

/*
 * QEMU 7.2 on a little-endian host swaps the keys and leaves out lengths: the text is where
 * five plain vectors would end.
 */
#define TEXT_OFFSET 16

struct bytes {
    const uint8_t *at;
    size_t length;
};

/* Step into the vector with `key`: its length and key have `width` bytes each. */
static bool enter(struct bytes *bytes, size_t width, unsigned key)
{
    while (bytes->length >= 2 * width) {
        const uint8_t *at = bytes->at;
        size_t length = width == 2 ? (size_t)(at[0] << 8 | at[1]) : at[0];
        unsigned found = width == 2 ? (unsigned)(at[2] << 8 | at[3]) : at[1];

        if (length < 2 * width || length > bytes->length)
            return false;
        if (found == key) {
            *bytes = (struct bytes){at + 2 * width, length - 2 * width};
            return true;
        }
        *bytes = (struct bytes){at + length, bytes->length - length};
    }
    return false;
}

void console_line_input(const uint8_t *data, size_t length)
{
    struct bytes text = {data, length};

    if (!enter(&text, 2, MESSAGE_UNIT) || !enter(&text, 2, CONTROL_POINT) ||
        !enter(&text, 2, TEXT_COMMAND) || !enter(&text, 1, SELF_DEFINED) ||
        !enter(&text, 1, TEXT)) {
        if (length < TEXT_OFFSET)
            return;
        text = (struct bytes){data + TEXT_OFFSET, length - TEXT_OFFSET};
    }
    for (size_t i = 0; i < text.length; i++)
        console_input(ascii_from_ebcdic(text.at[i]));
    console_input('\n');
}
