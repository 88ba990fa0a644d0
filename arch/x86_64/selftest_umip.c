/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UMIP: with CR4.UMIP set, SGDT, SIDT, SLDT, STR and SMSW trap in ring 3, with #GP(0) at the
 * instruction, and nowhere else. Tried in every form, in both rings, with the bit on and off.
 */
#include "selftest_user.h"
#include "x86.h"
#include <arch/irq.h>
#include <neap/compiler.h>
#include <neap/selftest.h>

#define PROBES(PROBE)    \
    PROBE(sgdt)          \
    PROBE(sidt)          \
    PROBE(sldt_register) \
    PROBE(sldt_memory)   \
    PROBE(str_register)  \
    PROBE(str_memory)    \
    PROBE(smsw_register) \
    PROBE(smsw_memory)

#define DECLARE(probe)                     \
    void x86_probe_kernel_##probe(void *); \
    extern char x86_probe_user_##probe[], x86_probe_user_##probe##_end[];
PROBES(DECLARE)

struct probe {
    const char *name;
    void (*kernel)(void *);
    const char *user, *user_end;
};

#define DESCRIBE(probe) \
    {#probe, x86_probe_kernel_##probe, x86_probe_user_##probe, x86_probe_user_##probe##_end},
static const struct probe probes[] = {PROBES(DESCRIBE)};

/* Set CR4.UMIP of this CPU; returns CR4 as it was. Interrupts off. */
static uint64_t set_umip(bool on)
{
    uint64_t before = cr4_read();

    cr4_write(on ? before | CR4_UMIP : before & ~CR4_UMIP);
    return before;
}

static void check_kernel(struct selftest *t, const struct probe *probe, bool umip)
{
    irqflags_t flags = arch_irq_save();
    uint64_t cr4 = set_umip(umip);
    int vector = arch_trap_expect(probe->kernel, NULL, NULL);

    cr4_write(cr4);
    arch_irq_restore(flags);
    if (vector != -1)
        selftest_fail(t, __FILE__, __LINE__, "%s in ring 0, UMIP %s: trap %d, expected none",
                      probe->name, umip ? "on" : "off", vector);
}

static void check_user(struct selftest *t, const struct user_space *space,
                       const struct probe *probe, bool umip)
{
    size_t size = (size_t)(probe->user_end - probe->user);
    struct x86_user_trap trap = {0}, expected = {0};
    irqflags_t flags;
    uint64_t cr4;

    user_space_load(space, probe->user, size);
    flags = arch_irq_save();
    cr4 = set_umip(umip);
    x86_run_user(USER_CODE, USER_STACK, &trap);
    cr4_write(cr4);
    arch_irq_restore(flags);

    if (umip) {
        expected.vector = VECTOR_GENERAL_PROTECTION;
        expected.pc = USER_CODE;
    } else {
        expected.vector = VECTOR_USER_RETURN;
        expected.pc = USER_CODE + size;
    }
    if (trap.vector != expected.vector || trap.error != 0 || trap.pc != expected.pc)
        selftest_fail(t, __FILE__, __LINE__,
                      "%s in ring 3, UMIP %s: trap %d error %llu at %#lx, expected %d at %#lx",
                      probe->name, umip ? "on" : "off", trap.vector,
                      (unsigned long long)trap.error, (unsigned long)trap.pc, expected.vector,
                      (unsigned long)expected.pc);
}

static void test_umip(struct selftest *t)
{
    struct user_space space;

    if (!x86_features.umip) {
        selftest_skip(t, "this CPU has no UMIP");
        return;
    }
    EXPECT(t, cr4_read() & CR4_UMIP); /* left on by start-up */
    if (user_space_create(&space)) {
        selftest_fail(t, __FILE__, __LINE__, "no memory for two pages of ring 3");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        for (int umip = 0; umip <= 1; umip++) {
            check_kernel(t, &probes[i], umip);
            check_user(t, &space, &probes[i], umip);
        }
    }
    user_space_destroy(&space);
    EXPECT(t, cr4_read() & CR4_UMIP);
}
SELFTEST(x86_umip, test_umip);
