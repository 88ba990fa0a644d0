/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event record: one form for every trap, interrupt and device kick on every architecture,
 * in a ring per CPU. Shown by `trace`, decoded from a memory dump by tools/trace-decode.
 */
#ifndef NEAP_TRACE_H
#define NEAP_TRACE_H

#include <stdint.h>

enum trace_reason {
    TRACE_NONE,
    TRACE_TRAP,      /* code: trap number; address: fault address */
    TRACE_INTERRUPT, /* code: vector */
    TRACE_KICK,      /* code: virtqueue index; address: notification register */
    TRACE_IPI,       /* code: enum ipi */
};

/*
 * 48 bytes, native byte order (the ring's header says which). `begin_ns` is taken last before
 * the event is handled or the kick leaves, `end_ns` first after it, so the pair bounds what
 * the other side can have seen.
 */
struct trace_event {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t pc;
    uint64_t address;
    uint64_t code;
    uint32_t cpu;
    uint16_t reason; /* enum trace_reason */
    uint16_t reserved;
};

/* Record one event of this CPU. Any context; overwrites the oldest. */
void trace_record(enum trace_reason reason, uint64_t code, uint64_t address, uint64_t pc,
                  uint64_t begin_ns, uint64_t end_ns);

/* Allocate the ring of the executing CPU. Before it, its events are dropped. */
void trace_init_cpu(void);

#endif
