/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of random numbers.
 */
#include "chacha.h"
#include "internal.h"
#include <arch/boot.h>
#include <arch/clock.h>
#include <neap/errors.h>
#include <neap/lock.h>
#include <neap/random.h>
#include <neap/timer.h>
#include <string.h>

#define KEY_BYTES (CHACHA_KEY_WORDS * sizeof(uint32_t))

/* Sources are asked for more when numbers are wanted, so seldom that they do not mind. */
#define ASK_NS (60 * NS_PER_S)

static const uint32_t absorb[3] = {1}, draw[3] = {2}, expand[3] = {3};

static struct {
    struct spinlock lock;
    uint32_t key[CHACHA_KEY_WORDS];
    uint64_t bits, given_bytes;
    struct list sources; /* only grows: walked without the lock */
    uint64_t ask_at_ns;
    bool started;
} pool = {
    .lock = SPINLOCK_INIT("random numbers", LOCK_RANK_RANDOM),
    .sources = LIST_INIT(pool.sources),
};

/* The compiler must not leave out what looks useless. */
static void wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
    __asm__ volatile("" ::"r"(memory) : "memory");
}

/* Under the lock. Who knows what is mixed in, but not the key, does not know the new one. */
static void mix_in(const uint8_t *bytes, size_t size)
{
    uint32_t block[CHACHA_BLOCK_WORDS];

    while (size > 0) {
        uint32_t words[CHACHA_KEY_WORDS] = {0};
        size_t part = size < KEY_BYTES ? size : KEY_BYTES;

        memcpy(words, bytes, part);
        for (unsigned i = 0; i < CHACHA_KEY_WORDS; i++)
            pool.key[i] ^= words[i];
        chacha_block(pool.key, (uint32_t)part, absorb, block);
        memcpy(pool.key, block, KEY_BYTES);
        bytes += part;
        size -= part;
    }
    wipe(block, sizeof(block));
}

void random_source_add(struct random_source *source)
{
    irqflags_t flags = spin_lock(&pool.lock);

    list_push_back(&pool.sources, &source->link);
    spin_unlock(&pool.lock, flags);
}

void random_add(struct random_source *source, const void *bytes, size_t size, unsigned bits)
{
    irqflags_t flags = spin_lock(&pool.lock);

    mix_in(bytes, size);
    source->bytes += size;
    source->bits += bits;
    pool.bits += bits;
    spin_unlock(&pool.lock, flags);
}

/* Random words of the processor, half of whose bits are believed; none where it has none. */
static void ask_processor(unsigned words, bool first)
{
    static struct random_source processor = {.name = "processor"};
    uint64_t last = 0;

    if (first)
        random_source_add(&processor);
    for (unsigned i = 0; i < words; i++) {
        uint64_t word = arch_random();

        /* Generators have been seen to say the same for ever. */
        if (word && word != last && word != UINT64_MAX)
            random_add(&processor, &word, sizeof(word), 32);
        last = word;
    }
}

/* Counts for nothing: there is no telling what a host or a simulator makes of the clock. */
static void ask_clock(void)
{
    static struct random_source jitter = {.name = "jitter"};
    uint64_t folded[JITTER_WORDS] = {0};

    jitter_collect(folded);
    random_source_add(&jitter);
    random_add(&jitter, folded, sizeof(folded), 0);
}

static void ask_others(void)
{
    struct list *pos;

    list_for_each (pos, &pool.sources) {
        struct random_source *source = list_entry(pos, struct random_source, link);

        if (source->ask)
            source->ask(source);
    }
}

static bool is_ready(void)
{
    return READ_ONCE(pool.bits) >= RANDOM_BITS_NEEDED;
}

static void gather(void)
{
    const uint64_t now = arch_cycles();
    irqflags_t flags = spin_lock(&pool.lock);
    bool first = !pool.started;
    bool ask = clock_ns() >= pool.ask_at_ns;

    pool.started = true;
    if (ask)
        pool.ask_at_ns = clock_ns() + ASK_NS;
    mix_in((const uint8_t *)&now, sizeof(now));
    spin_unlock(&pool.lock, flags);
    ask_processor(first ? 2 * RANDOM_BITS_NEEDED / 32 : 1, first);
    if (first)
        ask_clock();
    if (ask)
        ask_others();
}

int random_bytes(void *buffer, size_t size)
{
    uint32_t block[CHACHA_BLOCK_WORDS], key[CHACHA_KEY_WORDS];
    uint8_t *bytes = buffer;
    irqflags_t flags;
    bool ready;

    gather();
    flags = spin_lock(&pool.lock);
    ready = is_ready();
    chacha_block(pool.key, 0, draw, block);
    memcpy(pool.key, block, KEY_BYTES);
    memcpy(key, block + CHACHA_KEY_WORDS, KEY_BYTES);
    pool.given_bytes += ready ? size : 0;
    spin_unlock(&pool.lock, flags);
    for (uint32_t i = 0; ready && size > 0; i++) {
        size_t part = size < sizeof(block) ? size : sizeof(block);

        chacha_block(key, i, expand, block);
        memcpy(bytes, block, part);
        bytes += part;
        size -= part;
    }
    wipe(block, sizeof(block));
    wipe(key, sizeof(key));
    return ready ? 0 : -EIO;
}

void random_state_get(struct random_state *state)
{
    irqflags_t flags = spin_lock(&pool.lock);

    state->bits = pool.bits;
    state->given_bytes = pool.given_bytes;
    state->ready = is_ready();
    spin_unlock(&pool.lock, flags);
}

void random_for_each_source(void (*fn)(const struct random_source *source, void *arg),
                            void *arg)
{
    struct list *pos;

    list_for_each (pos, &pool.sources)
        fn(list_entry(pos, struct random_source, link), arg);
}
