/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary protocol: answers.
 */
#include "binary.h"
#include <string.h>

void binary_answer(struct dialog *dialog, const struct request *request,
                   const struct body *body)
{
    uint8_t head[BINARY_HEAD] = {BINARY_RESPONSE, request->opcode};
    size_t all = body->extras_length + body->key_length + body->value_length;

    put_u16(head + 2, (uint16_t)body->key_length);
    head[4] = (uint8_t)body->extras_length;
    put_u16(head + 6, body->status);
    put_u32(head + 8, (uint32_t)all);
    put_u32(head + 12, request->opaque);
    put_u64(head + 16, body->cas);
    dialog_add(dialog, head, sizeof(head));
    dialog_add(dialog, body->extras, body->extras_length);
    dialog_add(dialog, body->key, body->key_length);
    if (body->item) {
        body->item->users++;
        dialog_body(dialog, body->value, body->value_length, store_release, body->item);
    } else {
        dialog_add(dialog, body->value, body->value_length);
    }
}

static const char *status_text(uint16_t status)
{
    switch (status) {
    case BINARY_SUCCESS:
        return "";
    case BINARY_NOT_FOUND:
        return "Not found";
    case BINARY_EXISTS:
        return "Data exists for key.";
    case BINARY_TOO_LARGE:
        return "Too large.";
    case BINARY_INVALID:
        return "Invalid arguments";
    case BINARY_NOT_STORED:
        return "Not stored.";
    case BINARY_NOT_A_NUMBER:
        return "Non-numeric server-side value for incr or decr";
    case BINARY_NO_MEMORY:
        return "Out of memory";
    default:
        return "Unknown command";
    }
}

void binary_answer_status(struct dialog *dialog, const struct request *request, uint16_t status)
{
    const char *text = status_text(status);

    binary_answer(
        dialog, request,
        &(struct body){.status = status, .value = text, .value_length = strlen(text)});
}

void binary_answer_done(struct dialog *dialog, const struct request *request, uint64_t cas)
{
    binary_answer(dialog, request, &(struct body){.cas = cas});
}

uint16_t binary_status(enum result result)
{
    static const uint16_t statuses[] = {
        [DONE] = BINARY_SUCCESS,
        [NOT_FOUND] = BINARY_NOT_FOUND,
        [NOT_STORED] = BINARY_NOT_STORED,
        [EXISTS] = BINARY_EXISTS,
        [TOO_LARGE] = BINARY_TOO_LARGE,
        [NO_MEMORY] = BINARY_NO_MEMORY,
        [NOT_A_NUMBER] = BINARY_NOT_A_NUMBER,
    };

    return statuses[result];
}
