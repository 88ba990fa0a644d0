/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary protocol: which commands there are, by number.
 */
#include "binary.h"

#define GET(...)                                       \
    {                                                  \
        .kind = KIND_GET, .has_key = true, __VA_ARGS__ \
    }
#define GAT(...)                                                               \
    {                                                                          \
        .kind = KIND_GET, .has_key = true, .touches = true, .extras_least = 4, \
        .extras_most = 4, __VA_ARGS__                                          \
    }
#define PUT(...)                                                                            \
    {                                                                                       \
        .kind = KIND_PUT, .has_key = true, .extras_least = 8, .extras_most = 8, __VA_ARGS__ \
    }
#define JOIN(...)                                      \
    {                                                  \
        .kind = KIND_PUT, .has_key = true, __VA_ARGS__ \
    }
#define COUNT(...)                                                                  \
    {                                                                               \
        .kind = KIND_COUNT, .has_key = true, .extras_least = 20, .extras_most = 20, \
        __VA_ARGS__                                                                 \
    }

static const struct binary_command commands[] = {
    [0x00] = GET(.quiet = false),
    [0x01] = PUT(.mode = PUT_SET),
    [0x02] = PUT(.mode = PUT_ADD),
    [0x03] = PUT(.mode = PUT_REPLACE),
    [0x04] = {.kind = KIND_DELETE, .has_key = true},
    [0x05] = COUNT(.decrements = false),
    [0x06] = COUNT(.decrements = true),
    [0x07] = {.kind = KIND_QUIT},
    [0x08] = {.kind = KIND_FLUSH, .extras_most = 4},
    [0x09] = GET(.quiet = true),
    [0x0a] = {.kind = KIND_NOOP},
    [0x0b] = {.kind = KIND_VERSION},
    [0x0c] = GET(.with_key = true),
    [0x0d] = GET(.with_key = true, .quiet = true),
    [0x0e] = JOIN(.mode = PUT_APPEND),
    [0x0f] = JOIN(.mode = PUT_PREPEND),
    [0x10] = {.kind = KIND_STAT},
    [0x11] = PUT(.mode = PUT_SET, .quiet = true),
    [0x12] = PUT(.mode = PUT_ADD, .quiet = true),
    [0x13] = PUT(.mode = PUT_REPLACE, .quiet = true),
    [0x14] = {.kind = KIND_DELETE, .has_key = true, .quiet = true},
    [0x15] = COUNT(.decrements = false, .quiet = true),
    [0x16] = COUNT(.decrements = true, .quiet = true),
    [0x17] = {.kind = KIND_QUIT, .quiet = true},
    [0x18] = {.kind = KIND_FLUSH, .extras_most = 4, .quiet = true},
    [0x19] = JOIN(.mode = PUT_APPEND, .quiet = true),
    [0x1a] = JOIN(.mode = PUT_PREPEND, .quiet = true),
    [0x1b] = {.kind = KIND_VERBOSITY, .extras_least = 4, .extras_most = 4},
    [0x1c] = {.kind = KIND_TOUCH, .has_key = true, .extras_least = 4, .extras_most = 4},
    [0x1d] = GAT(.quiet = false),
    [0x1e] = GAT(.quiet = true),
    [0x23] = GAT(.with_key = true),
    [0x24] = GAT(.with_key = true, .quiet = true),
};

const struct binary_command *binary_command_of(uint8_t opcode)
{
    static const struct binary_command none;

    return opcode < sizeof(commands) / sizeof(commands[0]) ? &commands[opcode] : &none;
}
