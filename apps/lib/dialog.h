/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of one connection, without the network: requests come in, answers go out. A service
 * is a function that takes one request after the other from it.
 *
 * Buffers belong to a server, not to a connection: they are lent to a dialog while it is
 * served. What is left over then, half a request or an answer that the client does not take
 * yet, is kept in memory of its own size. So a connection that waits costs next to nothing.
 */
#ifndef APPS_DIALOG_H
#define APPS_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#define DIALOG_BUFFER 16384
#define DIALOG_ANSWER 4096 /* so much room for output a step finds at least */

struct dialog;

enum step {
    STEP_DONE, /* something was done: come again */
    STEP_MORE, /* the input is not complete, more must come first */
};

struct service {
    const char *name;
    size_t state_size;   /* of a dialog's `state`, which starts as zeros */
    const char *refusal; /* what a client reads for which there is no room */
    /*
     * Do the next piece of work: one request at most, DIALOG_ANSWER bytes of dialog_print() and
     * one dialog_body() at most. Called again when what dialog_fill() waited for is there.
     */
    enum step (*step)(struct dialog *dialog);
    void (*end)(struct dialog *dialog); /* the connection is over; NULL: nothing to do */
    /* Once a round, with seconds of the monotonic clock. Returns whether to come again at once.
     */
    bool (*work)(unsigned now);
    bool (*reclaim)(void); /* memory is short. Returns whether some was freed; may be NULL */
};

struct dialog_buffers {
    size_t input_start, input_end, output_start, output_end;
    char input[DIALOG_BUFFER], output[DIALOG_BUFFER];
};

/* Bytes that are kept while nobody serves the dialog. */
struct kept {
    char *bytes;
    size_t length;
};

struct dialog {
    const struct service *service;
    void *state;
    struct dialog_buffers *buffers; /* NULL: nobody serves it now */
    struct kept input, output;
    char *fill; /* where input goes first; NULL with fill_left: nowhere */
    size_t fill_left;
    const char *body; /* goes out behind `output` */
    size_t body_left;
    void (*release)(void *owner); /* of the body, once it has gone */
    void *owner;
    bool hungry; /* the last dialog_run() stopped because it needs more input */
    bool ends;   /* when all output has gone */
};

/* ---- for services ---- */

/* What has come and was not taken yet. */
const char *dialog_input(const struct dialog *dialog, size_t *length);
void dialog_take(struct dialog *dialog, size_t length);

/* Let the next bytes go to `to`, or nowhere (NULL), before the next step. */
void dialog_fill(struct dialog *dialog, char *to, size_t length);

/* Add to the answer. */
void dialog_add(struct dialog *dialog, const void *data, size_t length);
void dialog_print(struct dialog *dialog, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Add bytes that stay where they are until release(owner), which may be called at once.
 * Nothing can be added behind them in the same step. `release` may be NULL.
 */
void dialog_body(struct dialog *dialog, const char *data, size_t length,
                 void (*release)(void *owner), void *owner);

/* End the connection after what was answered so far. */
void dialog_close(struct dialog *dialog);

/* ---- for servers ---- */

void dialog_init(struct dialog *dialog, const struct service *service, void *state);

/* Lend it buffers, and take them back. Taking back fails without memory: end the dialog. */
void dialog_attach(struct dialog *dialog, struct dialog_buffers *buffers);
bool dialog_detach(struct dialog *dialog);

/* Where to read the next bytes to, and that they have come. There is always room. */
char *dialog_room(struct dialog *dialog, size_t *length);
void dialog_came(struct dialog *dialog, size_t length);

/* Do everything that can be done now. Returns how many steps did something. */
unsigned dialog_run(struct dialog *dialog);

/* What to send next, and that it has gone. *more: other bytes follow at once. */
const char *dialog_output(const struct dialog *dialog, size_t *length, bool *more);
void dialog_went(struct dialog *dialog, size_t length);

/* Is half a request waiting for its other half, or an answer for its reader? */
bool dialog_is_busy(const struct dialog *dialog);

/* Free what it holds. Attached or not. */
void dialog_end(struct dialog *dialog);

#endif
