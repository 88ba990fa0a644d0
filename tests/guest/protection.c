/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must trap: guard pages, writes to code and constants, execution of data.
 */
#include "guest.h"
#include <arch/barrier.h>
#include <arch/trap.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/sections.h>
#include <neap/thread.h>
#include <neap/vmap.h>
#include <string.h>

static void write_byte(void *arg)
{
    *(volatile char *)arg = 1;
}

static void read_byte(void *arg)
{
    (void)*(volatile char *)arg;
}

/* Code that runs wherever it is put, so that nothing but the protection stops it. */
static void runs_anywhere(void)
{
    barrier_compiler();
}

#define CODE_SIZE 64 /* covers it; reading on into the next function does no harm */

static void call(void *arg)
{
    void (*fn)(void);

    memcpy(&fn, &arg, sizeof(fn));
    fn();
}

struct guard_test {
    struct selftest *t;
    struct latch done;
};

static void touch_guard(void *arg)
{
    struct guard_test *test = arg;
    char *stack = thread_current()->stack;
    uintptr_t address = 0;

    EXPECT(test->t, arch_trap_expect(write_byte, stack, NULL) == -1);
    EXPECT(test->t, arch_trap_expect(write_byte, stack - 1, &address) >= 0);
    EXPECT_EQ(test->t, ALIGN_DOWN(address, PAGE_SIZE), (uintptr_t)stack - PAGE_SIZE);
    EXPECT(test->t, stack_guard_hit((uintptr_t)stack - 1) == stack);
    EXPECT(test->t, stack_guard_hit((uintptr_t)stack) == NULL);
    latch_arrive(&test->done);
}

static void test_guard(struct selftest *t)
{
    struct guard_test test = {.t = t};

    latch_init(&test.done);
    latch_wait(t, &test.done, start_threads(t, 1, touch_guard, &test));
}
SELFTEST(protection_stack_guard_traps, test_guard);

static void test_image(struct selftest *t)
{
    static char data[CODE_SIZE];
    uintptr_t address = 0;

    EXPECT_EQ(t, arch_trap_expect(write_byte, data, NULL), -1);
    memcpy(data, (const void *)(uintptr_t)runs_anywhere, sizeof(data));
    EXPECT_EQ(t, arch_trap_expect(call, (void *)(uintptr_t)runs_anywhere, NULL), -1);
    EXPECT_EQ(t, arch_trap_expect(read_byte, __text_start, NULL), -1);
    EXPECT(t, arch_trap_expect(write_byte, __text_start, &address) >= 0);
    EXPECT_EQ(t, address, (uintptr_t)__text_start);
    EXPECT(t, arch_trap_expect(write_byte, __rodata_start, NULL) >= 0);
    EXPECT(t, arch_trap_expect(call, __rodata_start, NULL) >= 0);
    EXPECT(t, arch_trap_expect(call, data, NULL) >= 0);
    EXPECT(t, arch_trap_expect(read_byte, NULL, NULL) >= 0);
}
SELFTEST(protection_image_is_write_xor_execute, test_image);

static void test_heap(struct selftest *t)
{
    char *object = kmalloc(CODE_SIZE, ALLOC_DEFAULT);

    EXPECT(t, object != NULL);
    if (object == NULL)
        return;
    memcpy(object, (const void *)(uintptr_t)runs_anywhere, CODE_SIZE);
    EXPECT(t, arch_trap_expect(call, object, NULL) >= 0);
    kfree(object);
}
SELFTEST(protection_direct_map_is_not_executable, test_heap);

extern uintptr_t __stack_chk_guard;

static void test_stack_protector(struct selftest *t)
{
    uintptr_t value = *(volatile uintptr_t *)&__stack_chk_guard;

    EXPECT(t, value != 0);
    EXPECT_EQ(t, *(const char *)&value, 0);
    /* The value that the image carries: kernel/stack_protector.c. */
    EXPECT(t, value != (uintptr_t)0x5bd1e995a7c30f00);
}
SELFTEST(protection_stack_protector_has_its_own_value, test_stack_protector);
