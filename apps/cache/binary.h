/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the binary protocol share: its numbers, requests and answers.
 */
#ifndef CACHE_BINARY_H
#define CACHE_BINARY_H

#include "session.h"

#define BINARY_RESPONSE   0x81
#define BINARY_HEAD       24
#define BINARY_EXTRAS_MAX 20

enum binary_status {
    BINARY_SUCCESS = 0x00,
    BINARY_NOT_FOUND = 0x01,
    BINARY_EXISTS = 0x02,
    BINARY_TOO_LARGE = 0x03,
    BINARY_INVALID = 0x04,
    BINARY_NOT_STORED = 0x05,
    BINARY_NOT_A_NUMBER = 0x06,
    BINARY_UNKNOWN = 0x81,
    BINARY_NO_MEMORY = 0x82,
};

struct request {
    uint8_t opcode;
    uint32_t opaque; /* comes back with the answer */
    uint64_t cas;
    const uint8_t *extras;
    size_t extras_length, key_length;
    uint32_t body_length; /* extras, key and value */
    const char *key;
};

struct body {
    uint16_t status;
    uint64_t cas;
    uint8_t extras[4];
    size_t extras_length;
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
    struct item *item; /* whose value it is, or NULL */
};

static inline uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline uint64_t get_u64(const uint8_t *from)
{
    return (uint64_t)get_u32(from) << 32 | get_u32(from + 4);
}

static inline void put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static inline void put_u32(uint8_t *to, uint32_t value)
{
    put_u16(to, (uint16_t)(value >> 16));
    put_u16(to + 2, (uint16_t)value);
}

static inline void put_u64(uint8_t *to, uint64_t value)
{
    put_u32(to, (uint32_t)(value >> 32));
    put_u32(to + 4, (uint32_t)value);
}

/* What a command is made of. */
enum binary_kind {
    KIND_NONE,
    KIND_GET,
    KIND_PUT,
    KIND_DELETE,
    KIND_COUNT,
    KIND_QUIT,
    KIND_FLUSH,
    KIND_NOOP,
    KIND_VERSION,
    KIND_STAT,
    KIND_VERBOSITY,
    KIND_TOUCH,
};

struct binary_command {
    uint8_t kind;
    uint8_t extras_least, extras_most;
    bool has_key;
    bool quiet;    /* answers only if there is something to say */
    bool with_key; /* get: the answer has the key */
    bool touches;
    bool decrements;
    uint8_t mode; /* enum put_mode */
};

/* ---- binary_table.c ---- */

/* Of KIND_NONE if there is no such command. */
const struct binary_command *binary_command_of(uint8_t opcode);

/* ---- binary_answer.c ---- */

void binary_answer(struct dialog *dialog, const struct request *request,
                   const struct body *body);

/* A status with its text, success without one. */
void binary_answer_status(struct dialog *dialog, const struct request *request,
                          uint16_t status);

/* Something was done: with the cas of the item that it left, or 0. */
void binary_answer_done(struct dialog *dialog, const struct request *request, uint64_t cas);

uint16_t binary_status(enum result result);

/* ---- binary_command.c ---- */

/*
 * Do a request whose head, extras and key are there. Returns false when its value has to come
 * first: the session's item is where it goes.
 */
bool binary_command(struct dialog *dialog, const struct request *request);

/* The value has come. */
void binary_stored(struct dialog *dialog);

#endif
