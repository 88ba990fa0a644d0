/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event records in a ring per CPU.
 */
#include "internal.h"
#include <arch/barrier.h>
#include <neap/alloc.h>
#include <neap/trace.h>
#include <string.h>

#define RING_ORDER 2 /* 16 KiB a CPU */
#define RING_BYTES (PAGE_SIZE << RING_ORDER)

static struct trace_ring *rings[MAX_CPUS];

/* The architecture's name is the first word of what it says about its CPUs. */
static void copy_arch_name(char *to, size_t size)
{
    const char *from = arch_cpu_describe();

    for (size_t i = 0; i + 1 < size && from[i] != '\0' && from[i] != ',' && from[i] != ' '; i++)
        to[i] = from[i];
}

void trace_init_cpu(void)
{
    struct page *page = alloc_pages(RING_ORDER, PAGE_KERNEL, ALLOC_ATOMIC | ALLOC_ZERO);
    unsigned cpu = cpu_self()->number;
    struct trace_ring *ring;

    if (page == NULL) {
        log_warning("trace", "no memory for the ring of CPU %u: its events are not kept", cpu);
        return;
    }
    ring = page_to_virt(page);
    memcpy(ring->magic, TRACE_MAGIC, sizeof(ring->magic));
    ring->byte_order = TRACE_BYTE_ORDER;
    ring->version = TRACE_VERSION;
    ring->record_size = sizeof(struct trace_event);
    ring->capacity = (RING_BYTES - sizeof(*ring)) / sizeof(struct trace_event);
    ring->cpu = cpu;
    copy_arch_name(ring->arch, sizeof(ring->arch));
    __atomic_store_n(&rings[cpu], ring, __ATOMIC_RELEASE);
}

const struct trace_ring *trace_ring_of(unsigned cpu)
{
    return cpu < MAX_CPUS ? __atomic_load_n(&rings[cpu], __ATOMIC_ACQUIRE) : NULL;
}

const char *trace_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [TRACE_NONE] = "none", [TRACE_TRAP] = "trap", [TRACE_INTERRUPT] = "interrupt",
        [TRACE_KICK] = "kick", [TRACE_IPI] = "ipi",
    };

    return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

void trace_record(enum trace_reason reason, uint64_t code, uint64_t address, uint64_t pc,
                  uint64_t begin_ns, uint64_t end_ns)
{
    irqflags_t flags = arch_irq_save();
    unsigned cpu = cpu_self()->number;
    struct trace_ring *ring = rings[cpu];

    if (ring) {
        ring->events[ring->count % ring->capacity] = (struct trace_event){
            .begin_ns = begin_ns,
            .end_ns = end_ns,
            .pc = pc,
            .address = address,
            .code = code,
            .cpu = cpu,
            .reason = (uint16_t)reason,
        };
        /* A reader on another CPU trusts the records below the count. */
        barrier_write();
        WRITE_ONCE(ring->count, ring->count + 1);
    }
    arch_irq_restore(flags);
}
