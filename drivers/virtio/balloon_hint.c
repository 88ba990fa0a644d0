/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page hints: while the host migrates the guest it need not copy pages that nobody uses.
 *
 * The host starts a round by a new command id; we answer with the id, hand over free blocks
 * and keep them, and end the round with STOP. They are ours again at DONE.
 */
#include "balloon.h"
#include <neap/endian.h>
#include <neap/log.h>
#include <string.h>

#define HINT_STOP 0u /* command ids; every other value is a round */
#define HINT_DONE 1u

/* Smaller blocks are not worth a descriptor. */
#define HINT_ORDER_MIN PAGEBLOCK_ORDER

/* Wait until the device has used everything: hinted pages must not be taken back under it. */
static bool drain(struct balloon *balloon)
{
    struct virtqueue *queue = balloon->queues[BALLOON_HINT];

    virtqueue_kick(queue);
    while (balloon->hint_in_flight) {
        if (virtqueue_wait(queue, &balloon->answers))
            return false;
        while (virtqueue_take(queue, NULL))
            balloon->hint_in_flight--;
    }
    return true;
}

/* A command id as an output buffer of 4 bytes (BALLOON-024). The queue is empty before. */
static bool send_id(struct balloon *balloon, uint32_t *word, uint32_t id)
{
    struct virtio_sg sg = {.phys = virt_to_phys(word), .length = sizeof(*word)};

    *word = le32(id);
    if (virtqueue_add(balloon->queues[BALLOON_HINT], &sg, 1, 0, word))
        return false;
    balloon->hint_in_flight++;
    return drain(balloon);
}

static void begin_round(struct balloon *balloon, uint32_t id)
{
    balloon->hint_last = id;
    if (!send_id(balloon, &balloon->hint_words[0], id)) /* BALLOON-025 */
        return;
    balloon->hint_round = id;
    balloon->count.hint_rounds++;
}

static void end_round(struct balloon *balloon)
{
    balloon->hint_round = 0;
    (void)send_id(balloon, &balloon->hint_words[1], HINT_STOP); /* BALLOON-029 */
}

/* Hand one ring full of free blocks over. Returns whether there may be more. */
static bool supply(struct balloon *balloon)
{
    struct virtqueue *queue = balloon->queues[BALLOON_HINT];
    unsigned order = MAX_ORDER;
    bool more = true;

    while (virtqueue_room(queue)) {
        struct page *page = balloon_take_block(&order, HINT_ORDER_MIN);
        struct virtio_sg sg;

        more = page != NULL;
        if (!page)
            break;
        balloon_chunk_push(&balloon->hinted, page, order);
        sg = (struct virtio_sg){page_to_phys(page), (uint32_t)(PAGE_SIZE << order)};
        if (virtqueue_add(queue, &sg, 0, 1, page))
            return false;
        balloon->hint_in_flight++;
    }
    return drain(balloon) && more;
}

bool balloon_hint(struct balloon *balloon)
{
    uint64_t id;

    if (!balloon->queues[BALLOON_HINT])
        return false;
    if (virtio_config_get(balloon->dev, BALLOON_CONFIG_HINT_ID, 4, &id)) {
        virtio_device_misbehaved(balloon->dev, "its free_page_hint_cmd_id cannot be read");
        return false;
    }
    if (balloon->hint_round && id != balloon->hint_round)
        end_round(balloon); /* BALLOON-028 */
    if (id == HINT_DONE)
        balloon_chunks_free(&balloon->hinted); /* BALLOON-033 */
    if (id > HINT_DONE && id != balloon->hint_last)
        begin_round(balloon, (uint32_t)id);
    if (!balloon->hint_round)
        return false;
    if (supply(balloon))
        return true;
    end_round(balloon);
    return false;
}

/*
 * Before DONE the host believes that it need not copy these pages; writing to them makes it
 * see that they are in use again (BALLOON-032).
 */
static void take_back(struct page *page)
{
    memset(page_to_virt(page), 0, PAGE_SIZE << page->order);
    balloon_free_block(page);
}

uint64_t balloon_hint_reclaim(struct balloon *balloon, uint64_t pages)
{
    uint64_t freed = 0;
    struct page *page;

    for (unsigned order = HINT_ORDER_MIN; order <= MAX_ORDER; order++)
        while (freed < pages && (page = balloon_chunk_pop(&balloon->hinted, order))) {
            take_back(page);
            freed += UINT64_C(1) << order;
        }
    return freed;
}

uint64_t balloon_hint_vacate(struct balloon *balloon, pfn_t start, pfn_t end)
{
    uint64_t before = balloon->hinted.pages;

    for (unsigned order = HINT_ORDER_MIN; order <= MAX_ORDER; order++) {
        uint32_t next;

        for (pfn_t pfn = balloon->hinted.head[order]; pfn; pfn = next) {
            struct page *page = pfn_to_page(pfn);

            next = page->next;
            if (pfn >= end || pfn + (UINT64_C(1) << order) <= start)
                continue;
            balloon_chunk_remove(&balloon->hinted, page);
            take_back(page);
        }
    }
    return before - balloon->hinted.pages;
}
