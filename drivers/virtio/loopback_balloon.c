/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A balloon made of software. What it holds it fills with a pattern of its own, as a host's
 * other uses would, and looks whether all of it is still there when it gives a page back.
 */
#include "balloon.h"
#include "loopback.h"
#include <neap/endian.h>
#include <string.h>

#define CONFIG_BYTES 16
#define PAGE_WORDS   (PAGE_SIZE / sizeof(uint64_t))

/* So many statistics go back at once; the device keeps the next, until somebody would ask. */
#define STATS_ASKED 3

static const int features[] = {
    BALLOON_F_MUST_TELL_HOST, BALLOON_F_STATS_VQ,       BALLOON_F_DEFLATE_ON_OOM,
    BALLOON_F_FREE_PAGE_HINT, BALLOON_F_PAGE_REPORTING, -1,
};

static bool init(struct loopback *loopback UNUSED)
{
    return true; /* all of it is 0 */
}

static uint64_t pattern(uint32_t number, unsigned word)
{
    return UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)number << 16 | (word + 1));
}

static void take(uint64_t *words, uint32_t number)
{
    for (unsigned i = 0; i < PAGE_WORDS; i++)
        words[i] = pattern(number, i);
}

static bool is_ours(const uint64_t *words, uint32_t number)
{
    for (unsigned i = 0; i < PAGE_WORDS; i++)
        if (words[i] != pattern(number, i))
            return false;
    return true;
}

static bool move_page(struct loopback *loopback, bool inflate, uint32_t number)
{
    uint64_t *words = loopback_reach(NULL, (uint64_t)number << BALLOON_PAGE_SHIFT, PAGE_SIZE);

    if (!words)
        return false;
    if (inflate)
        take(words, number);
    else
        loopback->counts[LOOPBACK_BALLOON_TOUCHED] += !is_ours(words, number);
    loopback->counts[inflate ? LOOPBACK_BALLOON_TAKEN : LOOPBACK_BALLOON_RETURNED]++;
    return true;
}

/* A request: an array of page numbers, and nothing else. */
static void move_pages(struct loopback *loopback, bool inflate,
                       const struct vringd_chain *chain)
{
    static uint32_t numbers[BALLOON_REQUEST_PAGES]; /* under the lock of the one device */
    uint32_t bytes = loopback_read(chain, numbers, sizeof(numbers));
    bool good = bytes && bytes % sizeof(*numbers) == 0 && !chain->in;

    for (unsigned i = 0; i < bytes / sizeof(*numbers) && good; i++)
        good = move_page(loopback, inflate, le32(numbers[i]));
    if (!good)
        loopback_give_up(loopback);
}

static void read_stats(struct loopback *loopback, const struct vringd_chain *chain)
{
    uint8_t entries[BALLOON_STATS_TAGS * BALLOON_STATS_ENTRY_BYTES + 1];

    if (loopback_read(chain, entries, sizeof(entries)) == sizeof(entries) - 1)
        loopback->counts[LOOPBACK_BALLOON_STATS]++;
}

static void serve(struct loopback *loopback, unsigned queue)
{
    static struct vringd_chain chain;

    while (loopback_pop(loopback, queue, &chain)) {
        if (queue == BALLOON_INFLATE || queue == BALLOON_DEFLATE)
            move_pages(loopback, queue == BALLOON_INFLATE, &chain);
        else if (queue == BALLOON_STATS)
            read_stats(loopback, &chain);
        else
            loopback->counts[queue == BALLOON_HINT ? LOOPBACK_BALLOON_HINTED
                                                   : LOOPBACK_BALLOON_REPORTED] +=
                loopback_room(&chain);
        if (queue != BALLOON_STATS || loopback->queues[queue].popped <= STATS_ASKED)
            loopback_push(loopback, queue, &chain, 0);
    }
}

const struct loopback_model loopback_balloon = {
    .name = "balloon",
    .device_id = VIRTIO_ID_BALLOON,
    .features = features,
    .config_size = CONFIG_BYTES,
    .nr_queues = BALLOON_QUEUES,
    .init = init,
    .serve = serve,
};
