/* SPDX-License-Identifier: BSD-2-Clause */
/* Resetting the machine under the running kernel. */
#ifndef RESET_H
#define RESET_H

#include "s390x.h"

struct selftest;

/* Subcodes of DIAGNOSE 0x308. Those of a reset: */
enum reset_subcode {
    RESET_MODIFIED_CLEAR = 0, /* all CPUs lose their state */
    RESET_LOAD_NORMAL = 1,    /* the others are only stopped */
};

/* ... and those about the next start, with the answers to them. */
enum {
    DIAG308_LOAD_CLEAR = 3,
    DIAG308_SET = 5,
    DIAG308_STORE = 6,
    DIAG308_OK = 0x0001,
    DIAG308_NONE = 0x0102, /* there are no parameters */
    DIAG308_INVALID = 0x0402,
};

/* DIAGNOSE 0x308 with the physical address of a page. Returns the answer. Any context. */
uint64_t s390_diag308(uint64_t subcode, uint64_t address);

/* A short PSW: bit 12 says that it is one; 64 bits, no translation, interrupts off. */
#define SHORT_PSW_BIT_12 UINT64_C(0x0008000000000000)
#define SHORT_PSW        (SHORT_PSW_BIT_12 | PSW_64BIT)

/* Where the short PSW shall lead; what was found there (reset.S knows the layout). */
extern char s390_reset_landing[];

struct reset_found {
    uint64_t control[16];
    uint32_t psw_mask; /* upper half */
    uint32_t psw_low;
    uint32_t prefix;
    uint32_t unused;
};
extern struct reset_found s390_reset_found;

_Static_assert(sizeof(struct reset_found) == 144, "the assembler's layout");

struct reset_report {
    struct reset_found found;
    unsigned others;  /* CPUs beside this one */
    unsigned stopped; /* ... that the reset stopped */
};

/*
 * Reset the machine: CPUs, subchannels, service events; memory keeps its contents. look(arg) is
 * called while the other CPUs still wait: it takes no lock. Returns 0 after the way through
 * short_psw, which is at absolute address 0 then; the code of a program check that came
 * instead; -1: DIAGNOSE did nothing; -ETIMEDOUT: a CPU did not stop or go on. Every virtio
 * device is to be restarted afterwards. Thread context.
 */
int s390_reset(enum reset_subcode subcode, uint64_t short_psw, struct reset_report *report,
               void (*look)(void *), void *arg);

/* Self-tests: set every virtio device up again; what fails is a failed expectation of `t`. */
void s390_reset_restart_devices(struct selftest *t);

#endif
