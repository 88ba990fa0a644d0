/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vringd.c and the formats of rings share.
 */
#ifndef VIRTIO_VRINGD_FORMAT_H
#define VIRTIO_VRINGD_FORMAT_H

#include "ring_layout.h"
#include <arch/barrier.h>
#include <neap/compiler.h>
#include <neap/errors.h>
#include <neap/virtio.h>
#include <neap/vringd.h>

struct vringd_format {
    uint16_t start; /* of next_avail and next_used */
    size_t (*driver_bytes)(unsigned size);
    size_t (*device_bytes)(unsigned size);
    /* Is there nothing to pop? Before saying so, ask for a kick and look again. */
    bool (*is_empty)(struct vringd *ring);
    /* Read the next buffer, which there is, and go past it: 0 or -EIO. */
    int (*read)(struct vringd *ring, struct vringd_chain *chain);
    /* How far a buffer moves next_used. */
    unsigned (*extent)(uint32_t head);
    /* Write a used entry and go on by `extent`. */
    void (*write)(struct vringd *ring, uint32_t head, uint32_t length, unsigned extent);
    bool (*wants_interrupt)(const struct vringd *ring, unsigned moved);
};

extern const struct vringd_format vringd_split, vringd_packed;

/* Pieces come out first, then in; anything else, or too many, is the driver's fault: -EIO. */
int vringd_add_piece(struct vringd_chain *chain, uint64_t address, uint32_t length, bool in);

/* The table of `bytes` at `phys`, with its number of entries; NULL: the driver's fault. */
void *vringd_table(const struct vringd *ring, uint64_t phys, uint32_t bytes, unsigned *entries);

#endif
