/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of arch/s390x share: the lowcore, the trap frame, special instructions.
 */
#ifndef S390X_H
#define S390X_H

#include <arch/trap.h>
#include <asm/lowcore.h>
#include <neap/cpu.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- program status word ---- */

struct psw {
    uint64_t mask;
    uint64_t address;
};

#define PSW_DAT    UINT64_C(0x0400000000000000)
#define PSW_IO     UINT64_C(0x0200000000000000)
#define PSW_EXT    UINT64_C(0x0100000000000000)
#define PSW_MCHECK UINT64_C(0x0004000000000000)
#define PSW_WAIT   UINT64_C(0x0002000000000000)
#define PSW_64BIT  UINT64_C(0x0000000180000000)

/* Kernel code with interrupts off. */
#define PSW_KERNEL (PSW_DAT | PSW_MCHECK | PSW_64BIT)

/* ---- lowcore ---- */

struct lowcore {
    uint8_t reserved0[0x80];
    uint32_t ext_parameter; /* 0x80 */
    uint16_t ext_cpu;
    uint16_t ext_code;
    uint16_t svc_length, svc_code;
    uint16_t program_length, program_code;
    uint32_t data_code;
    uint8_t reserved1[0xa8 - 0x94];
    uint64_t translation_id; /* 0xa8 */
    uint8_t reserved2[0xb8 - 0xb0];
    uint32_t subchannel; /* 0xb8 */
    uint32_t io_parameter;
    uint32_t io_word;
    uint8_t reserved3[0xe8 - 0xc4];
    uint64_t mcheck_code; /* 0xe8 */
    uint8_t reserved4[0xf8 - 0xf0];
    uint64_t failing_address; /* 0xf8 */
    uint8_t reserved5[0x110 - 0x100];
    uint64_t breaking_address; /* 0x110 */
    uint8_t reserved6[0x120 - 0x118];
    struct psw restart_old, ext_old, svc_old, program_old, mcheck_old, io_old; /* 0x120 */
    uint8_t reserved7[0x1a0 - 0x180];
    struct psw restart_new, ext_new, svc_new, program_new, mcheck_new, io_new; /* 0x1a0 */
    uint8_t saved[LOWCORE_SELF - 0x200]; /* the assembler's: asm/lowcore.h */
    struct cpu *self;
    uint64_t start_stack;
    uint64_t spare_stack;
    uint8_t entering;
    uint8_t reserved8[LOWCORE_CONTROL - LOWCORE_ENTERING - 1];
    uint64_t control[16];
    uint8_t reserved9[STATE_PARKED - LOWCORE_CONTROL - 128]; /* reset.S: its state */
    uint8_t parked;
    uint8_t reserved10[LOWCORE_SIZE - STATE_PARKED - 1];
};

_Static_assert(offsetof(struct lowcore, translation_id) == 0xa8, "the hardware's layout");
_Static_assert(offsetof(struct lowcore, mcheck_code) == 0xe8, "the hardware's layout");
_Static_assert(offsetof(struct lowcore, restart_new) == 0x1a0, "the hardware's layout");
_Static_assert(offsetof(struct lowcore, self) == LOWCORE_SELF, "the assembler's layout");
_Static_assert(offsetof(struct lowcore, entering) == LOWCORE_ENTERING,
               "the assembler's layout");
_Static_assert(offsetof(struct lowcore, control) == LOWCORE_CONTROL, "the assembler's layout");
_Static_assert(offsetof(struct lowcore, parked) == STATE_PARKED, "the assembler's layout");
_Static_assert(sizeof(struct lowcore) == LOWCORE_SIZE, "two pages");

/* The executing CPU's own. Stable only while preemption or interrupts are off. */
static inline struct lowcore *lowcore_self(void)
{
    return (struct lowcore *)LOWCORE_VIRT;
}

/* ---- traps (trap_entry.S, trap.c) ---- */

/* What trap_entry.S builds. Back chain and PSW lie where a stack frame has its like. */
struct trap_frame {
    uint64_t back_chain;
    uint64_t code;    /* of the program check */
    uint64_t address; /* translation-exception identification */
    uint64_t unused[10];
    struct psw psw;
    uint64_t gprs[16];
};

_Static_assert(offsetof(struct trap_frame, psw) == FRAME_PSW, "the assembler's layout");
_Static_assert(offsetof(struct trap_frame, gprs) == FRAME_GPRS, "the assembler's layout");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "the assembler's layout");

enum {
    PROGRAM_OPERATION = 0x01,
    PROGRAM_PRIVILEGED = 0x02,
    PROGRAM_PROTECTION = 0x04,
    PROGRAM_ADDRESSING = 0x05,
    PROGRAM_SPECIFICATION = 0x06,
    PROGRAM_SEGMENT_TRANSLATION = 0x10,
    PROGRAM_PAGE_TRANSLATION = 0x11,
    PROGRAM_ASCE_TYPE = 0x38,
    PROGRAM_REGION_FIRST = 0x39,
    PROGRAM_REGION_SECOND = 0x3a,
    PROGRAM_REGION_THIRD = 0x3b,
    PROGRAM_CODE_MASK = 0x7f, /* the rest: PER, transactions */
};

/* Fill in the new PSWs of a lowcore. */
void s390_lowcore_init(struct lowcore *lowcore, struct cpu *cpu, uint64_t spare_stack);

/* Make the lowcore appear at LOWCORE_VIRT: `entries` maps the first MiB. */
void s390_map_lowcore(uint64_t *entries);

/* Make a root table that of this CPU. No flush. */
void s390_set_root(uint64_t root_phys);

/* Leave the enabled wait of arch_cpu_idle() when the interrupt returns. */
static inline void s390_end_wait(struct trap_frame *frame)
{
    if (frame->psw.mask & PSW_WAIT)
        frame->psw.mask &= ~(PSW_WAIT | PSW_IO | PSW_EXT);
}

/* ---- control registers and facilities ---- */

#define CR0_LOW_PROTECTION UINT64_C(0x10000000) /* no stores to the lowest 512 bytes */
#define CR0_EDAT           UINT64_C(0x00800000) /* large pages */
#define CR0_NO_EXEC        UINT64_C(0x00100000)
#define CR0_AFP            UINT64_C(0x00040000) /* all 16 floating-point registers */
#define CR0_EMERGENCY      UINT64_C(0x00004000)
#define CR0_COMPARATOR     UINT64_C(0x00000800)
#define CR0_SERVICE        UINT64_C(0x00000200)
#define CR6_ALL_ISCS       UINT64_C(0xff000000)
#define CR14_REPORTS       UINT64_C(0x10000000) /* machine checks for channel reports */

static inline void control_store(uint64_t control[16])
{
    __asm__ volatile("stctg 0,15,%0" : "=Q"(*(uint64_t(*)[16])control)::"memory");
}

static inline void control_load(const uint64_t control[16])
{
    __asm__ volatile("lctlg 0,15,%0" ::"Q"(*(const uint64_t(*)[16])control) : "memory");
}

struct s390_features {
    bool large_pages; /* 1 MiB */
    bool huge_pages;  /* 2 GiB */
    bool no_exec;     /* pages that cannot be executed */
    bool true_random; /* PRNO has some */
};
extern struct s390_features s390_features;

/* Read the facility list. Boot CPU, first; translation may be off. */
void s390_features_find(void);

/* What control register 0 holds on every CPU. */
uint64_t s390_control0(void);

/* ---- interrupts (irq.c), console (console.c), channel subsystem (css.c) ---- */

/* A service signal came. Interrupt context. */
void s390_sclp_interrupt(uint32_t parameter);

/* An I/O interruption: its identification is in the lowcore. Interrupt context. */
void s390_css_interrupt(const struct lowcore *lowcore);

/* Ask the host where memory ends (DIAGNOSE 0x500); UINT64_MAX: it does not know the question.
 */
uint64_t s390_storage_limit(void);

/* A machine check came for a channel report: the next emergency signal tells drivers/ccw. */
extern bool s390_report_pending;

/* ---- clock ---- */

/* arch_cycles() at kernel entry: the clock's zero. */
extern uint64_t s390_entry_tod;

/* ---- SIGP (smp.c) ---- */

enum {
    SIGP_SENSE = 1,
    SIGP_EMERGENCY = 3,
    SIGP_STOP = 5,
    SIGP_RESTART = 6,
    SIGP_INITIAL_RESET = 11,
    SIGP_SET_PREFIX = 13,
};

#define SIGP_STOPPED 0x40

/* Condition code: 0 accepted, 1 *status says more, 2 busy, 3 there is no such CPU. */
static inline unsigned sigp(uint16_t cpu, unsigned order, uint64_t parameter, uint32_t *status)
{
    register uint64_t state __asm__("0") = 0; /* the parameter is in the next register */
    register uint64_t argument __asm__("1") = parameter;
    unsigned cc;

    __asm__ volatile("sigp %1,%3,0(%4); ipm %0; srl %0,28"
                     : "=d"(cc), "+d"(state)
                     : "d"(argument), "d"((uint64_t)cpu), "a"((uint64_t)order)
                     : "memory", "cc");
    *status = (uint32_t)state;
    return cc;
}

/*
 * Give an order, again while the CPU is busy with another one. Returns whether it was accepted,
 * false after a second, too. Any context.
 */
bool s390_order(uint16_t address, unsigned code, uint64_t parameter);

#endif
