/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked lists.
 */
#include "unit.h"
#include <neap/list.h>

struct element {
    int value;
    struct list link;
};

static struct list head = LIST_INIT(head);
static struct element elements[5];

/* Forward and backward, the list must hold these digits in this order. */
static void check_list(unsigned digits, unsigned count)
{
    unsigned forward = 0, backward = 0, scale = 1, length = 0;
    struct list *pos;

    list_for_each (pos, &head) {
        forward = forward * 10 + (unsigned)list_entry(pos, struct element, link)->value;
        length++;
    }
    for (pos = head.prev; pos != &head; pos = pos->prev) {
        backward += (unsigned)list_entry(pos, struct element, link)->value * scale;
        scale *= 10;
    }
    CHECK_EQ(length, count);
    CHECK_EQ(forward, digits);
    CHECK_EQ(backward, digits);
}

static void set_up(void)
{
    for (int i = 0; i < 5; i++) {
        elements[i].value = i + 1;
        list_init(&elements[i].link);
    }
}

TEST(list_keeps_order)
{
    set_up();
    CHECK(list_empty(&head));
    CHECK(list_first(&head) == NULL);
    list_push_back(&head, &elements[1].link);
    list_push_back(&head, &elements[2].link);
    list_push_front(&head, &elements[0].link);
    check_list(123, 3);
    list_insert_before(&elements[1].link, &elements[3].link);
    check_list(1423, 4);
    list_insert_before(&head, &elements[4].link); /* in front of the head: at the end */
    check_list(14235, 5);
    CHECK(list_first(&head) == &elements[0].link);
}

TEST(list_removes)
{
    struct list *pos, *tmp;

    set_up();
    for (int i = 0; i < 5; i++)
        list_push_back(&head, &elements[i].link);
    list_remove(&elements[2].link);
    check_list(1245, 4);
    list_remove(&elements[1].link);
    list_remove(&elements[2].link); /* again: harmless, also when its neighbours have gone */
    list_push_front(&head, &elements[1].link);
    check_list(2145, 4);
    list_for_each_safe (pos, tmp, &head)
        if (list_entry(pos, struct element, link)->value % 2 == 0)
            list_remove(pos);
    check_list(15, 2);
    list_remove(&elements[0].link);
    list_remove(&elements[4].link);
    CHECK(list_empty(&head));
}
