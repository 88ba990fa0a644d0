/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory balloon as a host sees it: it keeps a map of the pages that it owns and fails the
 * test when the guest breaks a rule.
 */
#ifndef FAKE_BALLOON_H
#define FAKE_BALLOON_H

#include "../../../drivers/virtio/balloon.h"
#include "fake.h"

#define FAKE_BALLOON_PAGES (1u << 18) /* 1 GiB */

enum fake_layout {
    LAYOUT_SPEC,    /* fixed numbers */
    LAYOUT_COMPACT, /* no gaps: QEMU, Firecracker, Cloud Hypervisor */
    LAYOUT_CROSVM,  /* no gaps, and two queues of its own behind */
    LAYOUT_ALL,     /* fixed numbers, and every queue there whatever is offered */
};

struct fake_balloon {
    struct fake *fake;
    unsigned numbers[BALLOON_QUEUES];
    bool silent[BALLOON_QUEUES]; /* takes no buffer from this queue */
    bool scribbles;              /* gives reported memory back with contents of its own */
    unsigned deaf_after;         /* inflate requests that are still answered; 0: all */
    uint8_t owned[FAKE_BALLOON_PAGES];
    uint64_t owned_pages;
    unsigned inflates, deflates, most_in_flight;
    uint32_t stats_head;
    bool has_stats;
    uint64_t stats[BALLOON_STATS_TAGS];
    unsigned nr_stats;
    /* hints: what came in the running round */
    uint32_t round;
    unsigned rounds_begun, rounds_ended;
    uint64_t hinted_pages;
    void (*on_hint)(void); /* before the buffers of a notification are answered */
    uint64_t reported_bytes;
    unsigned reports, most_ranges;
    void (*on_report)(void);
};
extern struct fake_balloon host;

/* Offer these features (bits of word 0) through queues in this layout. Not added yet. */
void host_create(uint64_t features, enum fake_layout layout);

/* Boot with so much memory and add the device. */
void host_start(uint64_t memory, uint64_t features);

#define FEATURE(bit) (UINT64_C(1) << (bit))

/* Ask for a balloon of so many pages and let the guest work until it waits. */
void host_set_target(uint64_t pages);

/* The statistics queue: take the buffer's figures; hand it back for new ones. */
void host_ask_stats(void);

/* Start a hinting round, or STOP or DONE. */
void host_set_hint_id(uint32_t id);

/* Host, device and guest agree on the size of the balloon. */
void host_check_agreement(uint64_t pages);

struct balloon *host_balloon(void);
uint64_t free_pages_now(void);

#endif
