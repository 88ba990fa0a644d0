/* SPDX-License-Identifier: BSD-2-Clause */
/* Two pages of ring 3 for self-tests: one of code, one of stack. One user at a time. */
#ifndef X86_SELFTEST_USER_H
#define X86_SELFTEST_USER_H

#include <neap/page.h>
#include <stddef.h>

#define USER_CODE       UINT64_C(0x400000)
#define USER_STACK_PAGE (USER_CODE + PAGE_SIZE)
#define USER_STACK      (USER_STACK_PAGE + PAGE_SIZE - 64)

struct user_space {
    struct page *code;
    struct page *stack;
};

/* Returns 0 or -ENOMEM with nothing left behind. Thread context. */
int user_space_create(struct user_space *space);
void user_space_destroy(struct user_space *space);

/* Put code at USER_CODE, at most a page. */
void user_space_load(const struct user_space *space, const void *code, size_t size);

#endif
