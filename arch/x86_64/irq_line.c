/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Platform interrupt lines that several devices may share: one vector per line, whose handler
 * asks every device in turn.
 */
#include "acpi.h"
#include "ioapic.h"
#include "x86.h"
#include <arch/irq.h>
#include <neap/errors.h>
#include <neap/lock.h>

#define LINES_MAX   16
#define SHARERS_MAX 16

struct sharer {
    irq_handler_t handler; /* NULL: free; written last, cleared first */
    void *arg;
};

struct line {
    unsigned gsi;
    int vector; /* 0: the slot is free */
    unsigned nr_sharers;
    struct sharer sharers[SHARERS_MAX];
};

static struct line lines[LINES_MAX];
/* Attaching and detaching; interrupts read the slots without it. */
static struct mutex lines_lock = MUTEX_INIT(lines_lock, "irq lines", LOCK_RANK_MM);

static void line_interrupt(void *arg)
{
    struct line *line = arg;

    for (unsigned i = 0; i < SHARERS_MAX; i++) {
        irq_handler_t handler = __atomic_load_n(&line->sharers[i].handler, __ATOMIC_ACQUIRE);

        if (handler)
            handler(line->sharers[i].arg);
    }
}

/* The slot of a line, or a free one for it, or NULL. */
static struct line *line_slot(unsigned gsi)
{
    struct line *unused = NULL;

    for (unsigned i = 0; i < LINES_MAX; i++) {
        if (lines[i].vector && lines[i].gsi == gsi)
            return &lines[i];
        if (!lines[i].vector && !unused)
            unused = &lines[i];
    }
    return unused;
}

/* PCI lines are active low, unless the firmware says otherwise about one that ISA knows. */
static bool line_active_low(unsigned gsi)
{
    if (gsi < 64 && acpi_info.active_high >> gsi & 1)
        return false;
    for (unsigned irq = 0; irq < ACPI_OVERRIDES_MAX; irq++) {
        if (acpi_info.isa[irq].present && acpi_info.isa[irq].gsi == gsi)
            return acpi_info.isa[irq].active_low;
    }
    return true;
}

static int attach(unsigned gsi, irq_handler_t handler, void *arg, const char *name)
{
    struct line *line = line_slot(gsi);
    unsigned i = 0;

    if (!line || line->nr_sharers == SHARERS_MAX)
        return -ENOMEM;
    while (line->sharers[i].handler)
        i++;
    line->sharers[i].arg = arg;
    __atomic_store_n(&line->sharers[i].handler, handler, __ATOMIC_RELEASE);
    if (line->nr_sharers == 0) {
        int vector = arch_irq_alloc(line_interrupt, line, name);

        if (vector < 0) {
            line->sharers[i].handler = NULL;
            return -ENOMEM;
        }
        line->gsi = gsi;
        line->vector = vector;
        ioapic_route(gsi, vector, true, line_active_low(gsi));
    }
    line->nr_sharers++;
    return 0;
}

int arch_irq_line_attach(unsigned line, irq_handler_t handler, void *arg, const char *name)
{
    int error;

    if (!ioapic_has_line(line))
        return -EINVAL;
    mutex_lock(&lines_lock);
    error = attach(line, handler, arg, name);
    mutex_unlock(&lines_lock);
    return error;
}

static void detach(struct line *line, unsigned i)
{
    __atomic_store_n(&line->sharers[i].handler, NULL, __ATOMIC_RELEASE);
    if (--line->nr_sharers > 0) {
        x86_irq_synchronize();
        return;
    }
    ioapic_mask(line->gsi);
    arch_irq_free(line->vector);
    line->vector = 0;
}

void arch_irq_line_detach(unsigned line, irq_handler_t handler, void *arg)
{
    struct line *slot;

    mutex_lock(&lines_lock);
    slot = line_slot(line);
    for (unsigned i = 0; slot && slot->vector && i < SHARERS_MAX; i++) {
        if (slot->sharers[i].handler == handler && slot->sharers[i].arg == arg) {
            detach(slot, i);
            break;
        }
    }
    mutex_unlock(&lines_lock);
}
