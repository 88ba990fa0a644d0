/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of the channel subsystem, its interruptions, and the calls to the host about
 * virtio devices.
 */
#include "s390x.h"
#include <arch/ccw.h>

#define IO_WORD_ADAPTER UINT32_C(0x80000000)

/* Subcodes of the call. */
#define NOTIFY        3
#define STORAGE_LIMIT 4 /* from QEMU 10 on */

/* All take the subchannel in register 1 and a block in storage. */
#define SUBCHANNEL_INSTRUCTION(name, id, block, constraint) \
    ({                                                      \
        register uint64_t id_ __asm__("1") = (id);          \
        unsigned cc_;                                       \
                                                            \
        __asm__ volatile(name " %1\n ipm %0\n srl %0,28"    \
                         : "=d"(cc_), constraint(*(block))  \
                         : "d"(id_)                         \
                         : "memory", "cc");                 \
        cc_;                                                \
    })

unsigned arch_subchannel_store(subchannel_t id, struct schib *schib)
{
    return SUBCHANNEL_INSTRUCTION("stsch", id, schib, "=Q");
}

unsigned arch_subchannel_modify(subchannel_t id, const struct schib *schib)
{
    struct schib copy = *schib;

    return SUBCHANNEL_INSTRUCTION("msch", id, &copy, "+Q");
}

unsigned arch_subchannel_start(subchannel_t id, const struct orb *orb)
{
    struct orb copy = *orb;

    return SUBCHANNEL_INSTRUCTION("ssch", id, &copy, "+Q");
}

unsigned arch_subchannel_test(subchannel_t id, struct irb *irb)
{
    return SUBCHANNEL_INSTRUCTION("tsch", id, irb, "+Q");
}

unsigned arch_subchannel_clear(subchannel_t id)
{
    register uint64_t number __asm__("1") = id;
    unsigned cc;

    __asm__ volatile("csch\n ipm %0\n srl %0,28" : "=d"(cc) : "d"(number) : "memory", "cc");
    return cc;
}

bool arch_channel_report(uint32_t *report)
{
    unsigned cc;

    __asm__ volatile("stcrw %1\n ipm %0\n srl %0,28" : "=d"(cc), "=Q"(*report)::"memory", "cc");
    return cc == 0;
}

int64_t arch_virtio_ccw_notify(subchannel_t id, uint32_t data, int64_t cookie)
{
    register uint64_t subcode __asm__("1") = NOTIFY;
    register int64_t result __asm__("2") = id;
    register uint64_t what __asm__("3") = data;
    register int64_t last __asm__("4") = cookie;

    __asm__ volatile("diag 2,4,0x500"
                     : "+d"(result)
                     : "d"(subcode), "d"(what), "d"(last)
                     : "memory", "cc");
    return result;
}

static void ask_storage_limit(void *last)
{
    register uint64_t subcode __asm__("1") = STORAGE_LIMIT;
    register uint64_t answer __asm__("2");

    __asm__ volatile("diag 2,4,0x500" : "=d"(answer) : "d"(subcode) : "memory", "cc");
    *(uint64_t *)last = answer;
}

uint64_t s390_storage_limit(void)
{
    uint64_t last;

    /* A host that does not know a subcode answers with a specification exception. */
    if (arch_trap_expect(ask_storage_limit, &last, NULL) >= 0 || last == UINT64_MAX)
        return UINT64_MAX;
    return last + 1;
}

void s390_css_interrupt(const struct lowcore *lowcore)
{
    if (lowcore->io_word & IO_WORD_ADAPTER)
        ccw_adapter_interrupt();
    else
        ccw_interrupt(lowcore->subchannel);
}
