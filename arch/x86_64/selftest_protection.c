/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must trap does, with the trap and the address that it should: write and execute
 * protection up to the edges, SMEP and SMAP, overflowing a stack, and the CPU's own exceptions.
 */
#include "selftest_user.h"
#include "x86.h"
#include <arch/pgtable.h>
#include <neap/alloc.h>
#include <neap/sections.h>
#include <neap/selftest.h>
#include <neap/thread.h>
#include <neap/vmap.h>

#define CODE_RET       0xc3
#define NONE           (-1)
#define DIVIDE_ERROR   0
#define INVALID_OPCODE 6
#define NON_CANONICAL  UINT64_C(0x0000900000000000)

static void do_read(void *address)
{
    (void)*(volatile uint8_t *)address;
}

/* Writes what is there already: a protection that fails must not break the kernel. */
static void do_write(void *address)
{
    volatile uint8_t *byte = address;
    uint8_t value = *byte;

    *byte = value;
}

static void do_call(void *address)
{
    ((void (*)(void))address)();
}

static void do_divide(void *arg)
{
    __asm__ volatile("divl %0" ::"r"(0), "a"(1), "d"(0));
    (void)arg;
}

static void do_undefined(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static void expect_fault(struct selftest *t, const char *what, void (*fn)(void *),
                         void *address)
{
    uintptr_t fault = 0;
    int vector = arch_trap_expect(fn, address, &fault);

    if (vector != VECTOR_PAGE_FAULT || fault != (uintptr_t)address)
        selftest_fail(t, __FILE__, __LINE__, "%s: trap %d at %#lx, expected %d at %p", what,
                      vector, (unsigned long)fault, VECTOR_PAGE_FAULT, address);
}

static void test_expected_traps(struct selftest *t)
{
    EXPECT_EQ(t, arch_trap_expect(do_nothing, NULL, NULL), NONE);
    EXPECT_EQ(t, arch_trap_expect(do_divide, NULL, NULL), DIVIDE_ERROR);
    EXPECT_EQ(t, arch_trap_expect(do_undefined, NULL, NULL), INVALID_OPCODE);
    EXPECT_EQ(t, arch_trap_expect(do_read, (void *)NON_CANONICAL, NULL),
              VECTOR_GENERAL_PROTECTION);
    expect_fault(t, "null pointer", do_read, NULL);
    EXPECT(t, arch_irqs_enabled());
}
SELFTEST(x86_expected_traps, test_expected_traps);

static void test_write_protection(struct selftest *t)
{
    expect_fault(t, "write to code", do_write, __text_start);
    expect_fault(t, "write to the end of code", do_write, (void *)((uintptr_t)__text_end - 1));
    expect_fault(t, "write to constants", do_write, __rodata_start);
    expect_fault(t, "write to the end of constants", do_write,
                 (void *)((uintptr_t)__rodata_end - 1));
    EXPECT_EQ(t, arch_trap_expect(do_write, __data_start, NULL), NONE);
}
SELFTEST(x86_write_protection, test_write_protection);

static void test_execute_protection(struct selftest *t)
{
    static uint8_t in_data[1] = {CODE_RET};
    static const uint8_t in_rodata[1] = {CODE_RET};
    uint8_t on_stack[16] = {CODE_RET};
    struct page *page = alloc_pages(0, PAGE_KERNEL, ALLOC_DEFAULT);

    EXPECT(t, page != NULL);
    if (!page)
        return;
    *(volatile uint8_t *)page_to_virt(page) = CODE_RET;
    expect_fault(t, "execute data", do_call, in_data);
    expect_fault(t, "execute constants", do_call, (void *)in_rodata);
    expect_fault(t, "execute the stack", do_call, on_stack);
    expect_fault(t, "execute the direct map", do_call, page_to_virt(page));
    free_pages(page, 0);
}
SELFTEST(x86_execute_protection, test_execute_protection);

static void test_user_pages(struct selftest *t)
{
    const uint8_t code = CODE_RET;
    struct user_space space;

    if (!x86_features.smep && !x86_features.smap) {
        selftest_skip(t, "this CPU has neither SMEP nor SMAP");
        return;
    }
    if (user_space_create(&space)) {
        selftest_fail(t, __FILE__, __LINE__, "no memory for two pages of ring 3");
        return;
    }
    user_space_load(&space, &code, sizeof(code));
    if (x86_features.smep)
        expect_fault(t, "SMEP", do_call, (void *)USER_CODE);
    if (x86_features.smap) {
        expect_fault(t, "SMAP, read", do_read, (void *)USER_CODE);
        expect_fault(t, "SMAP, write", do_write, (void *)USER_STACK_PAGE);
    }
    user_space_destroy(&space);
    expect_fault(t, "unmapped page", do_read, (void *)USER_CODE);
}
SELFTEST(x86_user_pages, test_user_pages);

static unsigned recurse(volatile unsigned depth)
{
    volatile uint8_t frame[256];

    frame[0] = (uint8_t)depth;
    if (depth == UINT32_MAX) /* the compiler wants to see an end */
        return 0;
    return recurse(depth + 1) + frame[0];
}

static void overflow(void *arg)
{
    /* An interrupt that finds no stack would be lost with its acknowledgement. */
    arch_irq_disable();
    *(volatile unsigned *)arg = recurse(0);
}

static void test_stack_overflow(struct selftest *t)
{
    irqflags_t flags = arch_irq_save();
    uintptr_t address;
    unsigned result;
    int vector;

    arch_irq_restore(flags);
    vector = arch_trap_expect(overflow, &result, &address);
    arch_irq_restore(flags);
    EXPECT(t, vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_PAGE_FAULT);
    EXPECT(t, stack_guard_hit(address) || x86_boot_guard_hit(address));
}
SELFTEST(x86_stack_overflow, test_stack_overflow);
