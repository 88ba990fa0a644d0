/* SPDX-License-Identifier: BSD-2-Clause */
/* Protection bits, registers across thread switches, interrupt vectors. */
#include "ioapic.h"
#include "lapic.h"
#include "x86.h"
#include <arch/irq.h>
#include <neap/errors.h>
#include <neap/selftest.h>
#include <neap/thread.h>
#include <neap/timer.h>

#define CR0_WRITE_PROTECT (UINT64_C(1) << 16)
#define CR0_EMULATION     (UINT64_C(1) << 2)
#define EFER              0xc0000080
#define EFER_NO_EXECUTE   (UINT64_C(1) << 11)

#define NO_SUCH_LINE 5000
#define WAIT_NS      (2 * NS_PER_S)

static void check_protections(void *arg)
{
    uint64_t cr0, cr4 = cr4_read();
    bool *good = arg;

    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    if (!(cr0 & CR0_WRITE_PROTECT) || cr0 & CR0_EMULATION ||
        !(msr_read(EFER) & EFER_NO_EXECUTE) || (x86_features.smep && !(cr4 & CR4_SMEP)) ||
        (x86_features.smap && !(cr4 & CR4_SMAP)) || (x86_features.umip && !(cr4 & CR4_UMIP)))
        *good = false;
}

static void test_protections(struct selftest *t)
{
    bool good = true;

    check_protections(&good);
    smp_call_others(check_protections, &good);
    EXPECT(t, good);
}
SELFTEST(x86_protections_on_every_cpu, test_protections);

static uint64_t xmm_exchange(uint64_t value)
{
    uint64_t before;

    __asm__ volatile("movq %%xmm7, %0; movq %1, %%xmm7" : "=&r"(before) : "r"(value));
    return before;
}

struct fpu_user {
    uint64_t value;
    unsigned wrong;
    bool done;
};

static void use_fpu(void *arg)
{
    struct fpu_user *user = arg;

    xmm_exchange(user->value);
    for (unsigned i = 0; i < 100; i++) {
        thread_yield();
        user->wrong += xmm_exchange(user->value) != user->value;
    }
    __atomic_store_n(&user->done, true, __ATOMIC_RELEASE);
}

static void test_fpu_switch(struct selftest *t)
{
    static struct fpu_user users[4];
    uint64_t end = clock_ns() + WAIT_NS;

    for (unsigned i = 0; i < 4; i++) {
        users[i] = (struct fpu_user){.value = UINT64_C(0x0123456789abcdef) + i};
        if (!thread_create("fpu", THREAD_NORMAL, use_fpu, &users[i])) {
            selftest_fail(t, __FILE__, __LINE__, "no memory for a thread");
            return;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        while (!__atomic_load_n(&users[i].done, __ATOMIC_ACQUIRE) && clock_ns() < end)
            thread_sleep_ns(NS_PER_MS);
        EXPECT(t, users[i].done);
        EXPECT_EQ(t, users[i].wrong, 0);
    }
}
SELFTEST(x86_fpu_survives_switches, test_fpu_switch);

static void count(void *arg)
{
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

static void test_vectors(struct selftest *t)
{
    static unsigned calls;
    int vector = arch_irq_alloc(count, &calls, "self-test");
    uint64_t end = clock_ns() + WAIT_NS;
    struct msi_message message;

    EXPECT(t, vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST);
    if (vector < 0)
        return;
    calls = 0;
    lapic_send(cpus[0]->arch.apic_id, LAPIC_IPI_FIXED, (uint8_t)vector);
    while (__atomic_load_n(&calls, __ATOMIC_RELAXED) == 0 && clock_ns() < end)
        arch_cpu_relax();
    EXPECT_EQ(t, calls, 1);
    arch_msi_compose(vector, cpus[0], &message);
    EXPECT_EQ(t, message.data, vector);
    EXPECT_EQ(t, message.address >> 20, 0xfee);
    arch_irq_free(vector);
    lapic_send(cpus[0]->arch.apic_id, LAPIC_IPI_FIXED, (uint8_t)vector);
    thread_sleep_ns(NS_PER_MS);
    EXPECT_EQ(t, calls, 1);
}
SELFTEST(x86_interrupt_vectors, test_vectors);

static void test_lines(struct selftest *t)
{
    static unsigned calls;

    EXPECT_EQ(t, arch_irq_line_attach(NO_SUCH_LINE, count, &calls, "self-test"), -EINVAL);
    if (!ioapic_has_line(0)) {
        selftest_skip(t, "no I/O APIC");
        return;
    }
    /* Two sharers come and go on a line where no device sits. */
    EXPECT_EQ(t, arch_irq_line_attach(3, count, &calls, "self-test"), 0);
    EXPECT_EQ(t, arch_irq_line_attach(3, count, t, "self-test"), 0);
    arch_irq_line_detach(3, count, &calls);
    arch_irq_line_detach(3, count, t);
    EXPECT_EQ(t, arch_irq_line_attach(3, count, &calls, "self-test"), 0);
    arch_irq_line_detach(3, count, &calls);
}
SELFTEST(x86_interrupt_lines, test_lines);
