/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's doubly linked circular lists, as far as extracted functions need them. */
#ifndef HOSTKERNEL_SHIM_LIST_H
#define HOSTKERNEL_SHIM_LIST_H

#include <kernel.h>

struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD(name)                       struct list_head name = {&(name), &(name)}
#define list_entry(ptr, type, member)         container_of(ptr, type, member)
#define list_first_entry(head, type, member)  list_entry((head)->next, type, member)
#define list_next_entry(pos, member)          list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))
#define list_for_each_entry_safe(pos, n, head, member)           \
    for (pos = list_first_entry(head, __typeof__(*pos), member), \
        n = list_next_entry(pos, member);                        \
         !list_entry_is_head(pos, head, member); pos = n, n = list_next_entry(n, member))

static inline void INIT_LIST_HEAD(struct list_head *head)
{
    head->next = head->prev = head;
}
static inline bool list_empty(const struct list_head *head)
{
    return head->next == head;
}
static inline bool list_is_first(const struct list_head *entry, const struct list_head *head)
{
    return entry->prev == head;
}
static inline void list_insert(struct list_head *entry, struct list_head *before,
                               struct list_head *after)
{
    entry->prev = before;
    entry->next = after;
    before->next = after->prev = entry;
}
static inline void list_add(struct list_head *entry, struct list_head *head)
{
    list_insert(entry, head, head->next);
}
static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
    list_insert(entry, head->prev, head);
}
static inline void list_del(struct list_head *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    entry->next = entry->prev = NULL;
}
/* Turn the circle until this entry is the first. */
static inline void list_rotate_to_front(struct list_head *entry, struct list_head *head)
{
    list_del(head);
    list_add_tail(head, entry);
}

#endif
