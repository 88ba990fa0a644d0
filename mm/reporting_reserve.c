/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The warm reserve: how much free memory is kept from the host because it is about to be used
 * again. It follows regret, not time.
 *
 * It grows when memory is needed that was reported within the last window: that much should
 * have been kept. It shrinks by what lay unused through a whole window. So one large free goes
 * to the host at once, while a loop that allocates and frees pays for one round and then keeps
 * its pages.
 */
#include "reporting.h"

#define SLOTS   8
#define SLOT_NS (250 * NS_PER_MS)

static struct {
    uint64_t pages;
    bool fixed;
    uint64_t recent;          /* reported in the window: sum of the slots */
    uint64_t reported[SLOTS]; /* by slot of time */
    uint64_t low[SLOTS];      /* least warm memory in the slot */
    unsigned slot;            /* the current one */
    unsigned oldest;          /* nothing was reported in the slots from after `slot` up to it */
    uint64_t slot_end_ns;
    struct timer timer; /* armed only while there is a reserve to shrink */
    bool armed;
} reserve;

uint64_t reserve_pages(void)
{
    return reserve.pages;
}

bool reserve_is_fixed(void)
{
    return reserve.fixed;
}

/* What no slot of the window needed is too much. */
static void shrink(void)
{
    uint64_t unused = UINT64_MAX;

    for (unsigned i = 0; i < SLOTS; i++)
        unused = MIN(unused, reserve.low[i]);
    unused = MIN(unused, reserve.pages);
    reserve.pages -= unused;
    for (unsigned i = 0; i < SLOTS; i++)
        reserve.low[i] -= unused;
}

static void begin_slot(void)
{
    reserve.slot = (reserve.slot + 1) % SLOTS;
    if (reserve.oldest == reserve.slot)
        reserve.oldest = (reserve.slot + 1) % SLOTS;
    reserve.recent -= reserve.reported[reserve.slot];
    reserve.reported[reserve.slot] = 0;
    reserve.low[reserve.slot] = buddy.reportable;
    if (!reserve.fixed)
        shrink();
}

/* Bring the slots up to now. */
static void advance(uint64_t now)
{
    uint64_t behind;

    if (now < reserve.slot_end_ns)
        return;
    behind = (now - reserve.slot_end_ns) / SLOT_NS + 1;
    for (uint64_t i = 0; i < MIN(behind, (uint64_t)SLOTS); i++)
        begin_slot();
    reserve.slot_end_ns += behind * SLOT_NS;
}

static void arm(void)
{
    if (reserve.armed || reserve.fixed || reserve.pages == 0)
        return;
    reserve.armed = true;
    timer_set(&reserve.timer, reserve.slot_end_ns);
}

static void on_slot_end(void *arg)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    (void)arg;
    reserve.armed = false;
    advance(clock_ns());
    arm();
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
}

void reserve_note_reported(uint64_t pages)
{
    advance(clock_ns());
    reserve.reported[reserve.slot] += pages;
    reserve.recent += pages;
}

/* Forget `pages` of what was reported, the oldest first. */
static void forget_reported(uint64_t pages)
{
    reserve.recent -= pages;
    while (pages > 0) {
        uint64_t *slot = &reserve.reported[reserve.oldest];
        uint64_t part = MIN(pages, *slot);

        *slot -= part;
        pages -= part;
        if (*slot == 0 && reserve.oldest != reserve.slot)
            reserve.oldest = (reserve.oldest + 1) % SLOTS;
    }
}

uint64_t reserve_note_cold(uint64_t pages)
{
    uint64_t regret;

    if (reserve.recent == 0)
        return 0;
    advance(clock_ns());
    regret = MIN(pages, reserve.recent);
    if (regret == 0)
        return 0;
    forget_reported(regret);
    if (reserve.fixed)
        return regret;
    /* A new reserve gets a whole window to show that it is needed. */
    if (reserve.pages == 0) {
        for (unsigned i = 0; i < SLOTS; i++)
            reserve.low[i] = 0;
    }
    /* reporting.threshold is too low now: the next free block that reaches it corrects it. */
    reserve.pages += regret;
    arm();
    return regret;
}

void reserve_note_low(void)
{
    if (buddy.reportable < reserve.low[reserve.slot])
        reserve.low[reserve.slot] = buddy.reportable;
}

void reserve_set(uint64_t pages)
{
    reserve.fixed = true;
    reserve.pages = pages;
}

void reserve_set_auto(void)
{
    if (reserve.fixed)
        reserve.pages = 0;
    reserve.fixed = false;
}

void reserve_drop(void)
{
    if (!reserve.fixed)
        reserve.pages = 0;
}

void reserve_init(void)
{
    timer_init(&reserve.timer, on_slot_end, NULL);
    reserve.slot_end_ns = clock_ns() + SLOT_NS;
}
