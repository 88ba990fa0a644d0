/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Service calls, and what the machine says about itself.
 */
#include "sclp.h"
#include "s390x.h"
#include <arch/clock.h>
#include <string.h>

#define ANSWER_CYCLES (UINT64_C(1000000) << 12) /* a second */

#define MIB_SHIFT 20

struct sccb_info {
    struct sccb_header header;
    uint16_t increments;
    uint8_t increment_size; /* MiB; 0: increment_size2 */
    uint8_t reserved0[5];
    uint8_t reserved1[100 - 16];
    uint32_t increment_size2; /* 100 */
    uint64_t increments2;
    uint8_t reserved2[SCCB_SIZE - 112];
};

_Static_assert(sizeof(struct sccb_info) == SCCB_SIZE, "one page");
_Static_assert(offsetof(struct sccb_info, increments2) == 104, "the interface's layout");

static unsigned service_call(uint32_t command, const void *sccb)
{
    unsigned cc;

    __asm__ volatile(".insn rre,0xb2200000,%1,%2\n ipm %0; srl %0,28"
                     : "=&d"(cc)
                     : "d"(command), "a"(sccb)
                     : "memory", "cc");
    return cc;
}

unsigned sclp_call(uint32_t command, struct sccb_header *sccb)
{
    uint64_t start = arch_cycles();
    unsigned cc;

    sccb->response = 0;
    do {
        cc = service_call(command, sccb);
    } while (cc == 2 && arch_cycles() - start < ANSWER_CYCLES); /* another call is under way */
    if (cc != 0)
        return 0;
    while (!READ_ONCE(sccb->response) && arch_cycles() - start < ANSWER_CYCLES)
        arch_cpu_relax();
    return sccb->response;
}

uint64_t sclp_memory_size(void)
{
    static struct sccb_info sccb __attribute__((aligned(SCCB_SIZE)));
    static const uint32_t commands[] = {SCLP_READ_INFO_FORCED, SCLP_READ_INFO};

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        memset(&sccb, 0, sizeof(sccb));
        sccb.header.length = SCCB_SIZE;
        if (sclp_call(commands[i], &sccb.header) != SCLP_OK_READ)
            continue;
        return (sccb.increments ? sccb.increments : sccb.increments2) *
                   (sccb.increment_size ? sccb.increment_size : sccb.increment_size2)
               << MIB_SHIFT;
    }
    return 0;
}
