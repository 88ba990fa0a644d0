/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of one connection: see dialog.h.
 */
#include "dialog.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_MAX 2048 /* a body up to this size goes out together with its head */
#define RECLAIMS 16   /* attempts to find memory that the service can do without */

void dialog_init(struct dialog *dialog, const struct service *service, void *state)
{
    *dialog = (struct dialog){.service = service, .state = state};
}

/* ---- buffers ---- */

static size_t restore(struct kept *kept, char *buffer)
{
    size_t length = kept->length;

    if (length > 0)
        memcpy(buffer, kept->bytes, length);
    free(kept->bytes);
    *kept = (struct kept){.bytes = NULL};
    return length;
}

static bool keep(const struct service *service, struct kept *kept, const char *bytes,
                 size_t length)
{
    if (length == 0)
        return true;
    kept->bytes = malloc(length);
    for (unsigned i = 0; !kept->bytes && i < RECLAIMS; i++) {
        if (!service->reclaim || !service->reclaim())
            return false;
        kept->bytes = malloc(length);
    }
    if (!kept->bytes)
        return false;
    memcpy(kept->bytes, bytes, length);
    kept->length = length;
    return true;
}

void dialog_attach(struct dialog *dialog, struct dialog_buffers *buffers)
{
    dialog->buffers = buffers;
    buffers->input_start = buffers->output_start = 0;
    buffers->input_end = restore(&dialog->input, buffers->input);
    buffers->output_end = restore(&dialog->output, buffers->output);
}

bool dialog_detach(struct dialog *dialog)
{
    struct dialog_buffers *buffers = dialog->buffers;

    dialog->buffers = NULL;
    return keep(dialog->service, &dialog->input, buffers->input + buffers->input_start,
                buffers->input_end - buffers->input_start) &&
           keep(dialog->service, &dialog->output, buffers->output + buffers->output_start,
                buffers->output_end - buffers->output_start);
}

/* ---- input ---- */

const char *dialog_input(const struct dialog *dialog, size_t *length)
{
    *length = dialog->buffers->input_end - dialog->buffers->input_start;
    return dialog->buffers->input + dialog->buffers->input_start;
}

void dialog_take(struct dialog *dialog, size_t length)
{
    dialog->buffers->input_start += length;
}

void dialog_fill(struct dialog *dialog, char *to, size_t length)
{
    dialog->fill = to;
    dialog->fill_left = length;
}

/* `length` bytes for dialog_fill() have come: at `from`, or (NULL) in their place already. */
static void filled(struct dialog *dialog, const char *from, size_t length)
{
    if (dialog->fill) {
        if (from)
            memcpy(dialog->fill, from, length);
        dialog->fill += length;
    }
    dialog->fill_left -= length;
}

static void fill_from_input(struct dialog *dialog)
{
    size_t length;
    const char *input = dialog_input(dialog, &length);

    if (length > dialog->fill_left)
        length = dialog->fill_left;
    if (length > 0) {
        filled(dialog, input, length);
        dialog_take(dialog, length);
    }
}

/* What dialog_fill() waits for goes to its place without a copy. */
static bool reads_in_place(const struct dialog *dialog)
{
    return dialog->fill && dialog->fill_left > 0;
}

char *dialog_room(struct dialog *dialog, size_t *length)
{
    struct dialog_buffers *buffers = dialog->buffers;
    size_t used = buffers->input_end - buffers->input_start;

    if (reads_in_place(dialog)) {
        *length = dialog->fill_left;
        return dialog->fill;
    }
    if (buffers->input_start > 0) {
        memmove(buffers->input, buffers->input + buffers->input_start, used);
        buffers->input_start = 0;
        buffers->input_end = used;
    }
    *length = DIALOG_BUFFER - used;
    return buffers->input + used;
}

void dialog_came(struct dialog *dialog, size_t length)
{
    if (reads_in_place(dialog))
        filled(dialog, NULL, length);
    else
        dialog->buffers->input_end += length;
}

/* ---- output ---- */

void dialog_add(struct dialog *dialog, const void *data, size_t length)
{
    struct dialog_buffers *buffers = dialog->buffers;

    if (length > 0)
        memcpy(buffers->output + buffers->output_end, data, length);
    buffers->output_end += length;
}

void dialog_print(struct dialog *dialog, const char *format, ...)
{
    struct dialog_buffers *buffers = dialog->buffers;
    size_t room = DIALOG_BUFFER - buffers->output_end;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buffers->output + buffers->output_end, room, format, args);
    va_end(args);
    if (length > 0)
        buffers->output_end += (size_t)length < room ? (size_t)length : room - 1;
}

void dialog_body(struct dialog *dialog, const char *data, size_t length,
                 void (*release)(void *owner), void *owner)
{
    if (length <= COPY_MAX) {
        dialog_add(dialog, data, length);
        if (release)
            release(owner);
        return;
    }
    dialog->body = data;
    dialog->body_left = length;
    dialog->release = release;
    dialog->owner = owner;
}

void dialog_close(struct dialog *dialog)
{
    dialog->ends = true;
}

static void release_body(struct dialog *dialog)
{
    if (dialog->release)
        dialog->release(dialog->owner);
    dialog->release = NULL;
    dialog->body = NULL;
    dialog->body_left = 0;
}

const char *dialog_output(const struct dialog *dialog, size_t *length, bool *more)
{
    const struct dialog_buffers *buffers = dialog->buffers;

    *length = buffers->output_end - buffers->output_start;
    *more = *length > 0 && dialog->body_left > 0;
    if (*length > 0)
        return buffers->output + buffers->output_start;
    *length = dialog->body_left;
    return dialog->body;
}

void dialog_went(struct dialog *dialog, size_t length)
{
    struct dialog_buffers *buffers = dialog->buffers;

    if (buffers->output_end > buffers->output_start) {
        buffers->output_start += length;
        if (buffers->output_start == buffers->output_end)
            buffers->output_start = buffers->output_end = 0;
        return;
    }
    dialog->body += length;
    dialog->body_left -= length;
    if (dialog->body_left == 0)
        release_body(dialog);
}

/* ---- the whole ---- */

static bool has_room(const struct dialog *dialog)
{
    return dialog->body_left == 0 &&
           DIALOG_BUFFER - dialog->buffers->output_end >= COPY_MAX + DIALOG_ANSWER;
}

unsigned dialog_run(struct dialog *dialog)
{
    unsigned steps = 0;
    size_t length;

    dialog->hungry = false;
    while (!dialog->ends && has_room(dialog)) {
        if (dialog->fill_left > 0)
            fill_from_input(dialog);
        dialog->hungry = dialog->fill_left > 0 || dialog->service->step(dialog) == STEP_MORE;
        if (dialog->hungry)
            break;
        steps++;
    }
    (void)dialog_input(dialog, &length);
    if (dialog->hungry && length == DIALOG_BUFFER)
        dialog->ends = true; /* no service wants that much */
    return steps;
}

bool dialog_is_busy(const struct dialog *dialog)
{
    return dialog->input.length > 0 || dialog->output.length > 0 || dialog->fill_left > 0 ||
           dialog->body_left > 0;
}

void dialog_end(struct dialog *dialog)
{
    if (dialog->service->end)
        dialog->service->end(dialog);
    release_body(dialog);
    free(dialog->input.bytes);
    free(dialog->output.bytes);
}
