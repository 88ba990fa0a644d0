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

/*
 * What precedes the records of one CPU in memory, so that a dump can be decoded without the
 * image. 64 bytes; the record of event number n (from 0) has index n % capacity.
 */
#define TRACE_MAGIC      "NEAPTRC1"
#define TRACE_VERSION    1
#define TRACE_BYTE_ORDER 0x01020304u

struct trace_ring {
    char magic[8];        /* TRACE_MAGIC without its terminator */
    uint32_t byte_order;  /* TRACE_BYTE_ORDER, as this CPU stores it */
    uint32_t version;     /* TRACE_VERSION */
    uint32_t record_size; /* sizeof(struct trace_event) */
    uint32_t capacity;    /* records in the ring */
    uint64_t count;       /* events ever recorded */
    uint32_t cpu;
    uint32_t reserved;
    char arch[24]; /* "x86_64", zero-filled */
    struct trace_event events[];
};

_Static_assert(sizeof(struct trace_event) == 48, "scripts rely on the record's size");
_Static_assert(sizeof(struct trace_ring) == 64, "scripts rely on the header's size");

/* The ring of a CPU, NULL before trace_init_cpu() ran there. Any context. */
const struct trace_ring *trace_ring_of(unsigned cpu);

/* The name of a reason ("trap", "interrupt", ...). Any context. */
const char *trace_reason_name(unsigned reason);

/* Record one event of this CPU. Any context; overwrites the oldest. */
void trace_record(enum trace_reason reason, uint64_t code, uint64_t address, uint64_t pc,
                  uint64_t begin_ns, uint64_t end_ns);

/* Allocate the ring of the executing CPU. Before it, its events are dropped. */
void trace_init_cpu(void);

#endif
