/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary protocol: commands.
 */
#include "binary.h"
#include "number.h"
#include <string.h>

static void get_command(struct dialog *dialog, const struct request *request,
                        const struct binary_command *command)
{
    struct item *item = get_item(request->key, request->key_length);
    struct body body = {.extras_length = 4};

    if (item && command->touches)
        item = touch_item(request->key, request->key_length,
                          store_deadline((int32_t)get_u32(request->extras)));
    if (!item) {
        body = (struct body){.status = BINARY_NOT_FOUND};
        if (command->quiet)
            return;
        if (!command->with_key) {
            binary_answer_status(dialog, request, BINARY_NOT_FOUND);
            return;
        }
        body.key = request->key;
        body.key_length = request->key_length;
        binary_answer(dialog, request, &body);
        return;
    }
    put_u32(body.extras, item->flags);
    body.cas = item->cas;
    if (command->with_key) {
        body.key = item->bytes;
        body.key_length = item->key_length;
    }
    body.item = item;
    body.value = item_value(item);
    body.value_length = item->length;
    binary_answer(dialog, request, &body);
}

static void touch_command(struct dialog *dialog, const struct request *request)
{
    struct item *item = touch_item(request->key, request->key_length,
                                   store_deadline((int32_t)get_u32(request->extras)));

    if (item)
        binary_answer_done(dialog, request, item->cas);
    else
        binary_answer_status(dialog, request, BINARY_NOT_FOUND);
}

static void delete_command(struct dialog *dialog, const struct request *request, bool quiet)
{
    enum result result = delete_item(request->key, request->key_length, request->cas);

    if (result != DONE)
        binary_answer_status(dialog, request, binary_status(result));
    else if (!quiet)
        binary_answer_done(dialog, request, 0);
}

/* The counter is not there; 0xffffffff for its expiry time means not to make it. */
static enum result create_counter(const struct request *request, struct item **item,
                                  uint64_t *value)
{
    int32_t exptime = (int32_t)get_u32(request->extras + 16);
    char digits[20];
    enum result why;
    size_t length;

    if (exptime == -1)
        return NOT_FOUND;
    *value = get_u64(request->extras + 8);
    length = number_print(digits, *value);
    *item = store_alloc(request->key, request->key_length, length, &why);
    if (!*item)
        return why;
    memcpy(item_value(*item), digits, length);
    (*item)->expires = store_deadline(exptime);
    store_link(*item, NULL);
    return DONE;
}

static void count_command(struct dialog *dialog, const struct request *request,
                          const struct binary_command *command)
{
    const struct arithmetic arithmetic = {
        .decrement = command->decrements,
        .delta = get_u64(request->extras),
        .cas = request->cas,
    };
    struct item *item;
    uint64_t value;
    enum result result =
        count_item(request->key, request->key_length, &arithmetic, &item, &value);
    char bytes[8];

    if (result == NOT_FOUND)
        result = create_counter(request, &item, &value);
    if (result != DONE) {
        binary_answer_status(dialog, request, binary_status(result));
    } else if (!command->quiet) {
        put_u64((uint8_t *)bytes, value);
        binary_answer(
            dialog, request,
            &(struct body){.cas = item->cas, .value = bytes, .value_length = sizeof(bytes)});
    }
}

struct statistic {
    struct dialog *dialog;
    const struct request *request;
};

static void answer_statistic(void *arg, const char *name, const char *value)
{
    struct statistic *statistic = arg;

    binary_answer(statistic->dialog, statistic->request,
                  &(struct body){.key = name,
                                 .key_length = strlen(name),
                                 .value = value,
                                 .value_length = strlen(value)});
}

static void stat_command(struct dialog *dialog, const struct request *request)
{
    struct statistic statistic = {dialog, request};
    const struct token group = {request->key, request->key_length};

    if (group.length == 5 && memcmp(group.text, "reset", 5) == 0)
        store.counts = (struct store_counts){0};
    else if (!statistics(&group, answer_statistic, &statistic)) {
        binary_answer_status(dialog, request, BINARY_NOT_FOUND);
        return;
    }
    binary_answer(dialog, request, &(struct body){0});
}

static void flush_command(struct dialog *dialog, const struct request *request, bool quiet)
{
    store_flush(request->extras_length ? get_u32(request->extras) : 0);
    if (!quiet)
        binary_answer_done(dialog, request, 0);
}

/* Make the item that the value is read into. Returns false if there is none to be read. */
static bool put_command(struct dialog *dialog, const struct request *request,
                        const struct binary_command *command)
{
    struct session *session = session_of(dialog);
    size_t length = request->body_length - request->extras_length - request->key_length;
    enum result why;

    session->item = store_alloc(request->key, request->key_length, length, &why);
    if (!session->item) {
        if (command->mode == PUT_SET && request->cas == 0)
            (void)delete_item(request->key, request->key_length, 0);
        binary_answer_status(dialog, request, binary_status(why));
        dialog_fill(dialog, NULL, length);
        return false;
    }
    if (request->extras_length > 0) {
        session->item->flags = get_u32(request->extras);
        session->item->expires = store_deadline((int32_t)get_u32(request->extras + 4));
    }
    session->put =
        (struct put){.mode = command->mode, .compare = request->cas != 0, .cas = request->cas};
    session->quiet = command->quiet;
    session->opcode = request->opcode;
    session->opaque = request->opaque;
    dialog_fill(dialog, item_value(session->item), length);
    return true;
}

/* What the protocol calls an add of a key that is there, and its like. */
static uint16_t put_status(enum result result, enum put_mode mode)
{
    if (result == NOT_STORED && mode == PUT_ADD)
        return BINARY_EXISTS;
    if (result == NOT_STORED && mode == PUT_REPLACE)
        return BINARY_NOT_FOUND;
    return binary_status(result);
}

void binary_stored(struct dialog *dialog)
{
    struct session *session = session_of(dialog);
    const struct request request = {.opcode = session->opcode, .opaque = session->opaque};
    struct item *item = session->item, *stored;
    enum result result;

    memcpy(item_value(item) + item->length, "\r\n", 2);
    session->item = NULL;
    result = put_item(item, &session->put, &stored);
    if (result != DONE)
        binary_answer_status(dialog, &request, put_status(result, session->put.mode));
    else if (!session->quiet)
        binary_answer_done(dialog, &request, stored->cas);
}

/* A command without a value. */
static void simple_command(struct dialog *dialog, const struct request *request,
                           const struct binary_command *command)
{
    switch (command->kind) {
    case KIND_GET:
        get_command(dialog, request, command);
        break;
    case KIND_DELETE:
        delete_command(dialog, request, command->quiet);
        break;
    case KIND_COUNT:
        count_command(dialog, request, command);
        break;
    case KIND_TOUCH:
        touch_command(dialog, request);
        break;
    case KIND_FLUSH:
        flush_command(dialog, request, command->quiet);
        break;
    case KIND_STAT:
        stat_command(dialog, request);
        break;
    case KIND_VERSION:
        binary_answer(
            dialog, request,
            &(struct body){.value = CACHE_VERSION, .value_length = sizeof(CACHE_VERSION) - 1});
        break;
    case KIND_QUIT:
        dialog_close(dialog);
        if (!command->quiet)
            binary_answer_done(dialog, request, 0);
        break;
    default: /* KIND_NOOP, KIND_VERBOSITY */
        binary_answer_done(dialog, request, 0);
        break;
    }
}

static bool makes_sense(const struct request *request, const struct binary_command *command)
{
    size_t head = request->extras_length + request->key_length;

    return request->extras_length >= command->extras_least &&
           (request->extras_length == command->extras_least ||
            request->extras_length == command->extras_most) &&
           (command->kind == KIND_STAT || (request->key_length > 0) == command->has_key) &&
           (command->kind == KIND_PUT || request->body_length == head);
}

bool binary_command(struct dialog *dialog, const struct request *request)
{
    const struct binary_command *command = binary_command_of(request->opcode);
    size_t head = request->extras_length + request->key_length;

    if (command->kind == KIND_NONE || !makes_sense(request, command)) {
        binary_answer_status(dialog, request,
                             command->kind == KIND_NONE ? BINARY_UNKNOWN : BINARY_INVALID);
        dialog_fill(dialog, NULL, request->body_length - head);
        return true;
    }
    if (command->kind == KIND_PUT)
        return !put_command(dialog, request, command);
    simple_command(dialog, request, command);
    return true;
}
