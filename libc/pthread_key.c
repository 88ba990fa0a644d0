/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX threads: values that each thread has of its own.
 */
#include "internal.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <pthread.h>

#define ROUNDS 4 /* destructors may set values again */

static unsigned nr_keys; /* atomic; keys stay */
static void (*destructors[PTHREAD_KEYS_MAX])(void *);

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
    unsigned next = __atomic_load_n(&nr_keys, __ATOMIC_RELAXED);

    do {
        if (next == PTHREAD_KEYS_MAX)
            return EAGAIN;
    } while (!__atomic_compare_exchange_n(&nr_keys, &next, next + 1, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    __atomic_store_n(&destructors[next], destroy, __ATOMIC_RELEASE);
    *key = next;
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    const struct libc_thread *state = libc_thread();

    return state && state->values && key < PTHREAD_KEYS_MAX ? state->values[key] : NULL;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    struct libc_thread *state = libc_thread();

    if (key >= __atomic_load_n(&nr_keys, __ATOMIC_RELAXED))
        return EINVAL;
    if (state && !state->values)
        state->values = kcalloc(PTHREAD_KEYS_MAX, sizeof(void *), ALLOC_DEFAULT);
    if (!state || !state->values)
        return ENOMEM;
    state->values[key] = (void *)value;
    return 0;
}

void pthread_values_exit(struct libc_thread *state)
{
    bool again = state->values != NULL;

    for (unsigned round = 0; again && round < ROUNDS; round++) {
        again = false;
        for (unsigned key = 0; key < PTHREAD_KEYS_MAX; key++) {
            void *value = state->values[key];

            state->values[key] = NULL;
            if (value && destructors[key]) {
                destructors[key](value);
                again = true;
            }
        }
    }
    kfree(state->values);
    state->values = NULL;
}
