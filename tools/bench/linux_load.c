/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference guest's counterpart of neap's `load`: threads that map, write, verify and give
 * back memory in random order, and note the longest access to one page.
 */
#include "linux_load.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE        4096ul
#define PIECE       (64 * 1024ul)
#define MIB         (1024ul * 1024)
#define THREADS_MAX 64

struct worker {
    pthread_t thread;
    uint64_t random;
    char *base;
    uint32_t *generation;
    size_t pieces, share, held;
    uint64_t touched, errors, worst_ns;
};

static struct worker workers[THREADS_MAX];
static unsigned nr_workers;
static volatile bool stop;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t next_random(struct worker *worker)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return worker->random;
}

static uint64_t word_at(uintptr_t address, uint32_t generation)
{
    return (address + generation) * UINT64_C(0x9e3779b97f4a7c15);
}

static void time_access(struct worker *worker, char *page, bool write)
{
    volatile uint64_t *word = (volatile uint64_t *)page;
    uint64_t begin = now_ns(), took;

    if (write)
        *word = 0;
    else
        (void)*word;
    took = now_ns() - begin;
    if (took > worker->worst_ns)
        worker->worst_ns = took;
}

static void write_piece(struct worker *worker, size_t piece)
{
    char *start = worker->base + piece * PIECE;
    uint32_t generation = ++worker->generation[piece];

    for (size_t at = 0; at < PIECE; at += sizeof(uint64_t)) {
        if (at % PAGE == 0)
            time_access(worker, start + at, true);
        *(uint64_t *)(start + at) = word_at((uintptr_t)(start + at), generation);
    }
    worker->touched += PIECE;
}

static void verify_piece(struct worker *worker, size_t piece)
{
    char *start = worker->base + piece * PIECE;
    uint32_t generation = worker->generation[piece];

    for (size_t at = 0; at < PIECE; at += sizeof(uint64_t)) {
        if (at % PAGE == 0)
            time_access(worker, start + at, false);
        if (*(uint64_t *)(start + at) != word_at((uintptr_t)(start + at), generation))
            worker->errors++;
    }
    worker->touched += PIECE;
}

static void work(struct worker *worker)
{
    size_t piece = next_random(worker) % worker->pieces;

    if (worker->generation[piece] == 0) {
        if (worker->held < worker->share) {
            worker->held++;
            write_piece(worker, piece);
        }
        return;
    }
    verify_piece(worker, piece);
    if (worker->held >= worker->share || next_random(worker) % 4 == 0) {
        madvise(worker->base + piece * PIECE, PIECE, MADV_DONTNEED);
        worker->generation[piece] = 0;
        worker->held--;
    } else {
        write_piece(worker, piece);
    }
}

static void *worker_main(void *arg)
{
    while (!stop)
        work(arg);
    return NULL;
}

void load_start(size_t mib)
{
    unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);

    stop = false;
    for (nr_workers = 0; nr_workers < cpus && nr_workers < THREADS_MAX; nr_workers++) {
        struct worker *worker = &workers[nr_workers];

        *worker = (struct worker){.random = (nr_workers + 1) * UINT64_C(0x2545f4914f6cdd1d)};
        worker->share = mib * MIB / PIECE / cpus;
        worker->pieces = 2 * worker->share;
        worker->generation = calloc(worker->pieces, sizeof(*worker->generation));
        worker->base = mmap(NULL, worker->pieces * PIECE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (!worker->generation || worker->base == MAP_FAILED ||
            pthread_create(&worker->thread, NULL, worker_main, worker)) {
            printf("load: no memory\n");
            return;
        }
    }
}

void load_print(void)
{
    uint64_t touched = 0, errors = 0, worst = 0, held = 0;

    for (unsigned i = 0; i < nr_workers; i++) {
        touched += workers[i].touched;
        errors += workers[i].errors;
        held += workers[i].held * PIECE;
        worst = workers[i].worst_ns > worst ? workers[i].worst_ns : worst;
    }
    printf("threads=%u\ntouched_bytes=%llu\nheld_bytes=%llu\nerrors=%llu\nworst_ns=%llu\n",
           nr_workers, (unsigned long long)touched, (unsigned long long)held,
           (unsigned long long)errors, (unsigned long long)worst);
}

void load_stop(void)
{
    stop = true;
    for (unsigned i = 0; i < nr_workers; i++) {
        pthread_join(workers[i].thread, NULL);
        munmap(workers[i].base, workers[i].pieces * PIECE);
        free(workers[i].generation);
    }
    load_print();
    nr_workers = 0;
}
