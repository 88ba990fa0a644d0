/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction, when it runs: free memory shall be made of whole pageblocks, which can be
 * reported and unplugged. Free memory in pieces starts it, and it goes on while nothing else
 * wants a CPU.
 *
 * A thread of the lowest priority is the judge of that: it only runs when nobody else does.
 * What it finds worth doing is done by the system's work queue, a pageblock at a time, so that
 * no lock is ever held by a thread that does not get a CPU.
 */
#include "compact.h"
#include <neap/cpu.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>
#include <neap/work.h>

/* Memory that came free a moment ago may be used again; and how often a busy guest is asked. */
#define DELAY_NS (100 * NS_PER_MS)
/* What one pass left in pieces is left alone until there is so much more of it. */
#define STEP_PAGES PAGEBLOCK_PAGES

static struct {
    bool wanted; /* under buddy.lock */
    struct waitqueue queue;
    struct work work;
    struct compact_zone zone; /* under mm_mutex, as the rest */
    bool under_way;           /* a pass is */
    uint64_t seen;            /* pages in pieces when it began */
    uint64_t pages;           /* moved in this pass */
    uint64_t total;
} compact = {.queue = WAITQUEUE_INIT(compact.queue, "free memory in pieces")};

uint64_t compact_moved_pages(void)
{
    return READ_ONCE(compact.total);
}

void compact_note_pieces(void)
{
    buddy.compact_at = UINT64_MAX;
    WRITE_ONCE(compact.wanted, true);
    wake_all(&compact.queue);
}

/* ---- one step ---- */

static void begin_pass(void)
{
    /* Pages on per-CPU lists keep blocks from merging. */
    alloc_drain_cpu_caches();
    compact_zone_start(&compact.zone, ROW_ELASTIC);
    compact.seen = READ_ONCE(buddy.pieces);
    compact.pages = 0;
    compact.under_way = true;
}

/*
 * What was moved may have made room for more, and what came free meanwhile may lie where the
 * pass had already been: only what was there when it began counts as looked at.
 */
static void end_pass(void)
{
    irqflags_t flags;
    uint64_t again;

    compact.under_way = false;
    alloc_drain_cpu_caches();
    flags = spin_lock(&buddy.lock);
    again = MAX(MIN(compact.seen, buddy.pieces) + STEP_PAGES, (uint64_t)COMPACT_MIN_PAGES);
    if (buddy.pieces < COMPACT_MIN_PAGES || (!compact.pages && buddy.pieces < again)) {
        WRITE_ONCE(compact.wanted, false);
        buddy.compact_at = again;
    }
    spin_unlock(&buddy.lock, flags);
}

static void step(struct work *work UNUSED)
{
    uint64_t moved = 0;
    bool more;

    mutex_lock(&mm_mutex);
    if (!compact.under_way)
        begin_pass();
    more = compact_zone_step(&compact.zone, &moved);
    compact.pages += moved;
    WRITE_ONCE(compact.total, compact.total + moved);
    if (!more && compact.zone.row == ROW_ELASTIC)
        compact_zone_start(&compact.zone, PAGE_MOVABLE);
    else if (!more)
        end_pass();
    mutex_unlock(&mm_mutex);
}

/* ---- when ---- */

static bool is_wanted(void *arg UNUSED)
{
    return READ_ONCE(compact.wanted);
}

/* This thread runs, so its own CPU has nothing else to do. */
static bool others_are_idle(void)
{
    bool idle = true;

    preempt_disable();
    for (unsigned i = 0; i < cpu_count(); i++)
        idle = idle && (cpus[i] == cpu_self() || READ_ONCE(cpus[i]->idle));
    preempt_enable();
    return idle;
}

static void compact_main(void *arg UNUSED)
{
    for (;;) {
        (void)wait_until(&compact.queue, is_wanted, NULL, WAIT_FOREVER);
        do {
            thread_sleep_ns(DELAY_NS);
            while (is_wanted(NULL) && others_are_idle()) {
                (void)work_queue(&system_work, &compact.work);
                work_flush(&system_work, &compact.work);
            }
        } while (is_wanted(NULL));
    }
}

void compact_init(void)
{
    irqflags_t flags;

    work_init(&compact.work, step);
    if (!thread_create("compactor", THREAD_BACKGROUND, compact_main, NULL)) {
        log_warning("mm", "no memory for the compactor: free memory may stay in pieces");
        return;
    }
    flags = spin_lock(&buddy.lock);
    buddy.compact_at = COMPACT_MIN_PAGES;
    spin_unlock(&buddy.lock, flags);
}
