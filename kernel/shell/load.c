/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load: threads on every CPU that commit, write, verify and give back memory until they are
 * stopped. Whatever moves or takes memory meanwhile must not lose a byte.
 */
#include "commands.h"
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>
#include <string.h>

#define PIECE       (64 * KIB) /* committed and given back at once */
#define THREADS_MAX 64
/* Each thread has twice the addresses that it fills, so that its memory becomes scattered. */
#define SPREAD 2

/* One thread's memory: the generation of each piece (0: not committed), then the pieces. */
struct worker {
    unsigned number;
    uint64_t random;
    uintptr_t start;
    uint64_t size;
    uint64_t pieces;
    uint64_t share; /* pieces that it wants to hold */
    uint64_t held;
    uint32_t generation; /* the last one written */
    uint64_t rounds;
    uint64_t touched;  /* bytes written and verified */
    uint64_t refused;  /* commits without memory */
    uint64_t errors;   /* words that were not what they should be */
    uint64_t worst_ns; /* longest access to one page */
};

static struct {
    struct mutex lock;
    struct waitqueue ended;
    unsigned threads; /* under lock, 0: no load */
    unsigned running;
    bool stop;
    struct worker workers[THREADS_MAX];
} load = {
    .lock = MUTEX_INIT(load.lock, "load", LOCK_RANK_SHELL),
    .ended = WAITQUEUE_INIT(load.ended, "load"),
};

static uint64_t next_random(struct worker *worker)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random;
}

static uint32_t *generations(const struct worker *worker)
{
    return (uint32_t *)worker->start;
}

static uintptr_t piece_address(const struct worker *worker, uint64_t piece)
{
    return worker->start + worker->size - (worker->pieces - piece) * PIECE;
}

static uint64_t word_at(uintptr_t va, uint32_t generation)
{
    return (va + generation) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The time of a page's first access shows how long it was out of reach. */
static void time_access(struct worker *worker, uintptr_t va, bool write)
{
    volatile uint64_t *word = (volatile uint64_t *)va;
    uint64_t begin = clock_ns(), took;

    if (write)
        *word = 0;
    else
        (void)*word;
    took = clock_ns() - begin;
    worker->worst_ns = MAX(worker->worst_ns, took);
}

static void write_piece(struct worker *worker, uint64_t piece)
{
    uintptr_t start = piece_address(worker, piece);
    uint32_t generation = ++worker->generation;

    for (uintptr_t va = start; va < start + PIECE; va += sizeof(uint64_t)) {
        if (va % PAGE_SIZE == 0)
            time_access(worker, va, true);
        *(uint64_t *)va = word_at(va, generation);
    }
    generations(worker)[piece] = generation;
    worker->touched += PIECE;
}

static void verify_piece(struct worker *worker, uint64_t piece)
{
    uintptr_t start = piece_address(worker, piece);
    uint32_t generation = generations(worker)[piece];

    for (uintptr_t va = start; va < start + PIECE; va += sizeof(uint64_t)) {
        if (va % PAGE_SIZE == 0)
            time_access(worker, va, false);
        if (*(uint64_t *)va == word_at(va, generation))
            continue;
        if (worker->errors++ == 0)
            log_error("load", "word at %#llx is 0x%llx, not 0x%llx", (unsigned long long)va,
                      (unsigned long long)*(uint64_t *)va,
                      (unsigned long long)word_at(va, generation));
    }
    worker->touched += PIECE;
}

static void take_piece(struct worker *worker, uint64_t piece)
{
    if (space_commit(piece_address(worker, piece), PIECE, SPACE_WRITE)) {
        worker->refused++;
        thread_yield();
        return;
    }
    worker->held++;
    write_piece(worker, piece);
}

static void drop_piece(struct worker *worker, uint64_t piece)
{
    if (space_decommit(piece_address(worker, piece), PIECE))
        return; /* without memory for a split it stays for now */
    generations(worker)[piece] = 0;
    worker->held--;
}

/* Verify what a random piece holds, then write it anew, give it back, or take it. */
static void work(struct worker *worker)
{
    uint64_t piece = next_random(worker) % worker->pieces;

    if (generations(worker)[piece] == 0) {
        if (worker->held < worker->share)
            take_piece(worker, piece);
    } else {
        verify_piece(worker, piece);
        if (worker->held >= worker->share || next_random(worker) % 4 == 0)
            drop_piece(worker, piece);
        else
            write_piece(worker, piece);
    }
    worker->rounds++;
}

static void worker_main(void *arg)
{
    struct worker *worker = arg;

    while (!READ_ONCE(load.stop))
        work(worker);
    for (uint64_t piece = 0; piece < worker->pieces; piece++)
        if (generations(worker)[piece])
            verify_piece(worker, piece);
    __atomic_fetch_sub(&load.running, 1, __ATOMIC_RELEASE);
    wake_all(&load.ended);
}

static void remove_worker(struct worker *worker)
{
    int error = worker->start ? space_release(worker->start, worker->size) : 0;

    if (error)
        log_error("load", "its addresses stay reserved: %s", error_name(error));
    worker->start = 0;
}

static int make_worker(struct worker *worker, unsigned number, uint64_t bytes)
{
    uint64_t pieces = MAX(SPREAD * bytes / PIECE, (uint64_t)SPREAD);
    uint64_t record = ALIGN_UP(pieces * sizeof(uint32_t), PAGE_SIZE);
    int error;

    *worker = (struct worker){
        .number = number,
        .random = (number + 1) * UINT64_C(0x2545f4914f6cdd1d),
        .size = record + pieces * PIECE,
        .pieces = pieces,
        .share = pieces / SPREAD,
    };
    worker->start = space_reserve(worker->size, PAGE_SIZE);
    if (!worker->start)
        return -ENOMEM;
    error = space_commit(worker->start, record, SPACE_WRITE);
    if (!error && !thread_create("load", THREAD_NORMAL, worker_main, worker))
        error = -ENOMEM;
    if (error)
        remove_worker(worker);
    return error;
}

static bool all_ended(void *arg UNUSED)
{
    return __atomic_load_n(&load.running, __ATOMIC_ACQUIRE) == 0;
}

static struct worker sum_of_workers(void)
{
    struct worker sum = {0};

    for (unsigned i = 0; i < load.threads; i++) {
        const struct worker *worker = &load.workers[i];

        sum.rounds += READ_ONCE(worker->rounds);
        sum.held += READ_ONCE(worker->held);
        sum.touched += READ_ONCE(worker->touched);
        sum.refused += READ_ONCE(worker->refused);
        sum.errors += READ_ONCE(worker->errors);
        sum.worst_ns = MAX(sum.worst_ns, READ_ONCE(worker->worst_ns));
    }
    return sum;
}

static void print_load(bool machine)
{
    struct worker sum = sum_of_workers();
    char held[FORMAT_SIZE_MAX], touched[FORMAT_SIZE_MAX];

    if (machine) {
        kprintf("threads=%u\nrounds=%llu\nheld_bytes=%llu\ntouched_bytes=%llu\nrefused=%llu\n"
                "errors=%llu\nworst_ns=%llu\n",
                load.threads, (unsigned long long)sum.rounds,
                (unsigned long long)sum.held * PIECE, (unsigned long long)sum.touched,
                (unsigned long long)sum.refused, (unsigned long long)sum.errors,
                (unsigned long long)sum.worst_ns);
        return;
    }
    kprintf("load: %u threads, %s held, %s touched, %llu errors, %llu commits refused, longest "
            "access %llu us\n",
            load.threads, format_size(held, sum.held * PIECE),
            format_size(touched, sum.touched), (unsigned long long)sum.errors,
            (unsigned long long)sum.refused, (unsigned long long)(sum.worst_ns / NS_PER_US));
}

/* Under load.lock. */
static int stop_load(void)
{
    int error;

    WRITE_ONCE(load.stop, true);
    wait_until(&load.ended, all_ended, NULL, WAIT_FOREVER);
    print_load(false);
    error = sum_of_workers().errors ? -EIO : 0;
    for (unsigned i = 0; i < load.threads; i++)
        remove_worker(&load.workers[i]);
    load.threads = 0;
    return error;
}

static int start_load(uint64_t bytes)
{
    unsigned threads = MIN(cpu_count(), (unsigned)THREADS_MAX);

    if (load.threads)
        return -EBUSY;
    load.stop = false;
    for (unsigned i = 0; i < threads; i++) {
        int error;

        __atomic_fetch_add(&load.running, 1, __ATOMIC_RELAXED);
        error = make_worker(&load.workers[i], i, bytes / threads);
        if (error) {
            __atomic_fetch_sub(&load.running, 1, __ATOMIC_RELAXED);
            (void)stop_load();
            return error;
        }
        load.threads++;
    }
    return 0;
}

static int run_load(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0), *size = shell_word(argc, argv, 1);
    uint64_t bytes = 0;
    int error = 0;

    if (word && strcmp(word, "stop") != 0 && (strcmp(word, "start") != 0 || !size))
        return -EINVAL;
    if (word && size && (parse_size(size, &bytes) || bytes == 0))
        return -EINVAL;
    mutex_lock(&load.lock);
    if (!word)
        print_load(shell_wants_machine(argc, argv));
    else if (strcmp(word, "stop") == 0)
        error = stop_load();
    else
        error = start_load(bytes);
    mutex_unlock(&load.lock);
    return error;
}
SHELL_COMMAND(load, "load [start <size> | stop | --machine]",
              "memory that threads on every CPU write, verify and give back", run_load);
