/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of the kernel's environment as a few extracted functions need to run in a process:
 * types, atomics, lists, a wait queue that notices when nobody will ever wake it, and KTAP
 * results.
 */
#ifndef HOSTKERNEL_SHIM_KERNEL_H
#define HOSTKERNEL_SHIM_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef unsigned int gfp_t;
typedef struct {
    int counter;
} atomic_t;

#define atomic_read(v)   ((v)->counter)
#define atomic_set(v, i) ((v)->counter = (i))
static inline int atomic_xchg(atomic_t *v, int value)
{
    int old = v->counter;

    v->counter = value;
    return old;
}
static inline int atomic_cmpxchg(atomic_t *v, int expected, int value)
{
    int old = v->counter;

    if (old == expected)
        v->counter = value;
    return old;
}

#define READ_ONCE(x)         (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define likely(x)            (x)
#define unlikely(x)          (x)
#define __packed             __attribute__((packed))
#define __rcu
#define __read_mostly
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)              (((n) + (d)-1) / (d))
#define abs_diff(a, b)                  ((a) > (b) ? (a) - (b) : (b) - (a))
#define min(a, b)                       ((a) < (b) ? (a) : (b))
#define max(a, b)                       ((a) > (b) ? (a) : (b))
#define min_t(type, a, b)               min((type)(a), (type)(b))
#define max_t(type, a, b)               max((type)(a), (type)(b))
#define clamp(value, low, high)         min(max(value, low), high)
#define BUG_ON(condition) \
    do {                  \
        if (condition)    \
            abort();      \
    } while (0)
#define HZ           100
#define GFP_KERNEL   0
#define GFP_NOWAIT   0
#define __GFP_NOWARN 0

/* How often the code warned, and what it last printed: tests look at both. */
static int warnings;
static char last_message[256];
#define WARN_ON_ONCE(condition) ((condition) ? (warnings++, true) : false)
#define keep_message(...)       snprintf(last_message, sizeof(last_message), __VA_ARGS__)
#define dev_info(dev, ...)      keep_message(__VA_ARGS__)
#define dev_err(dev, ...)       keep_message(__VA_ARGS__)
#define dev_warn(dev, ...)      keep_message(__VA_ARGS__)
#define dev_warn_once(dev, ...) keep_message(__VA_ARGS__)
#define dev_dbg(dev, ...)       ((void)0)

/*
 * Waiting. Each look at the condition that finds it false lets the other side make one step;
 * when that has nothing left to do, a wait without a limit is a hang, and one with a limit runs
 * into it.
 */
typedef struct {
    int unused;
} wait_queue_head_t;
static jmp_buf hang;
static bool (*other_side)(void); /* returns whether it woke the waiter up */
static int timeouts;
#define wait_event(queue, condition) \
    do {                             \
        while (!(condition))         \
            if (!other_side())       \
                longjmp(hang, 1);    \
    } while (0)
#define wait_event_timeout(queue, condition, limit) \
    ({                                              \
        long left = (limit);                        \
                                                    \
        while (left && !(condition))                \
            if (!other_side()) {                    \
                left = (condition) ? 1 : 0;         \
                if (++timeouts > 100)               \
                    longjmp(hang, 1);               \
                break;                              \
            }                                       \
        left;                                       \
    })
#define wake_up(queue) ((void)0)

/* KTAP. A test is a function that returns whether all is well. */
struct test {
    const char *name;
    bool (*run)(void);
};
/* Run one: a wait that never ends is a failure. */
static inline bool run_test(const struct test *test)
{
    warnings = timeouts = 0;
    last_message[0] = 0;
    return !setjmp(hang) && test->run();
}
/* Run all and print the report; returns main()'s exit status. */
static inline int run_tests(const struct test *tests, size_t count)
{
    int status = 0;

    printf("KTAP version 1\n1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        bool passed = run_test(&tests[i]);

        printf("%s %zu %s\n", passed ? "ok" : "not ok", i + 1, tests[i].name);
        status |= !passed;
        fflush(stdout);
    }
    return status;
}
/* Say why a check failed, for the log. */
#define expect(condition)                                    \
    do {                                                     \
        if (!(condition)) {                                  \
            printf("# line %d: %s\n", __LINE__, #condition); \
            return false;                                    \
        }                                                    \
    } while (0)

#endif
