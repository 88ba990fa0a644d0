/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached's binary protocol: a head of 24 bytes, extras, a key and a value. Numbers are big
 * endian. Here a request is taken apart.
 */
#include "binary.h"

static uint16_t get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

/* A request that cannot be understood, so that nobody knows where the next one starts. */
static enum step give_up(struct dialog *dialog, const struct request *request)
{
    binary_answer_status(dialog, request, BINARY_INVALID);
    dialog_close(dialog);
    return STEP_DONE;
}

enum step binary_step(struct dialog *dialog)
{
    struct session *session = session_of(dialog);
    size_t length, head;
    const uint8_t *input = (const uint8_t *)dialog_input(dialog, &length);
    struct request request;

    if (session->stage == STAGE_VALUE) {
        session->stage = STAGE_COMMAND;
        binary_stored(dialog);
        return STEP_DONE;
    }
    if (length < BINARY_HEAD)
        return STEP_MORE;
    request = (struct request){
        .opcode = input[1],
        .key_length = get_u16(input + 2),
        .extras_length = input[4],
        .body_length = get_u32(input + 8),
        .opaque = get_u32(input + 12),
        .cas = get_u64(input + 16),
        .extras = input + BINARY_HEAD,
        .key = (const char *)input + BINARY_HEAD + input[4],
    };
    head = request.extras_length + request.key_length;
    if (input[0] != BINARY_REQUEST || head > request.body_length ||
        request.key_length > KEY_MAX || request.extras_length > BINARY_EXTRAS_MAX)
        return give_up(dialog, &request);
    if (length < BINARY_HEAD + head)
        return STEP_MORE;
    dialog_take(dialog, BINARY_HEAD + head);
    if (!binary_command(dialog, &request))
        session->stage = STAGE_VALUE;
    return STEP_DONE;
}
