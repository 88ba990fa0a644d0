/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers that nobody can guess: for keys, and what getentropy() gives.
 *
 * A pool of 256 bits, into which sources mix what they have: the processor's own generator,
 * virtio entropy devices, and the jitter of the clock, which counts for nothing. Numbers leave
 * it through ChaCha20 (RFC 8439), and each time the pool's key is replaced, so that what was
 * given out cannot be computed from what is there later.
 */
#ifndef NEAP_RANDOM_H
#define NEAP_RANDOM_H

#include <neap/compiler.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bits must have come in before numbers go out. */
#define RANDOM_BITS_NEEDED 256

struct random_source {
    const char *name;
    /* Be so kind as to add more soon. Any context that random_bytes() is called from. Or NULL.
     */
    void (*ask)(struct random_source *source);
    /* the pool's */
    struct list link;
    uint64_t bytes; /* given so far */
    uint64_t bits;  /* that they count for */
};

/* Make a source known, for ever. Any context. */
void random_source_add(struct random_source *source);

/* Mix `bytes` in; they count for `bits` that nobody knows. Any context. */
void random_add(struct random_source *source, const void *bytes, size_t size, unsigned bits);

/*
 * Fill a buffer. 0, or -EIO while the sources gave less than RANDOM_BITS_NEEDED. The first call
 * looks for entropy itself and takes some 100 microseconds for it. Thread context.
 */
int random_bytes(void *buffer, size_t size) MUST_CHECK;

/* What the shell shows. */
struct random_state {
    uint64_t bits; /* that came in */
    uint64_t given_bytes;
    bool ready;
};
void random_state_get(struct random_state *state);

/* Call fn for each source. Thread context. */
void random_for_each_source(void (*fn)(const struct random_source *source, void *arg),
                            void *arg);

#endif
