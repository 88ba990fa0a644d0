/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory device as a host sees it: a map of its plugged blocks, QEMU's rules, and any answer
 * that a test asks for. It fails the test when the guest breaks a rule.
 */
#ifndef FAKE_MEM_H
#define FAKE_MEM_H

#include "../../../drivers/virtio/mem.h"
#include "fake.h"
#include "fake_elastic.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

/* What is wrong with an answer. */
enum fake_mem_lie {
    LIE_NONE,
    LIE_BUSY,
    LIE_NACK,
    LIE_ERROR,
    LIE_UNKNOWN_TYPE,
    LIE_NO_BYTES,    /* used length 0 */
    LIE_ONE_BYTE,    /* used length 1 */
    LIE_SHORT,       /* it was done, but used length 9: too short for a state */
    LIE_UNWRITTEN,   /* a full used length, but nothing was written */
    LIE_STATE,       /* the other state */
    LIE_MIXED,       /* MIXED */
    LIE_BAD_STATE,   /* a state that does not exist */
    LIE_NOT_DONE,    /* ACK without doing it */
    LIE_SILENT,      /* no answer; it was not done */
    LIE_SILENT_DONE, /* no answer; it was done */
    LIE_ERROR_DONE,  /* ERROR, and yet it was done */
    LIE_TOO_LONG,    /* a used length beyond the buffer */
    LIE_BAD_ID,      /* a used entry for no buffer */
    LIE_HALF,        /* ACK, and half of it was done */
    LIES,
};

/* So many answers to requests of a type are lies, after so many that are not. */
struct fake_mem_script {
    enum fake_mem_lie lie;
    unsigned after;
    unsigned times;
};

struct fake_mem {
    struct fake *fake;
    uint64_t block, start, size, usable, plugged, requested;
    uint64_t plugged_shown; /* added to plugged_size as the guest reads it */
    bool grows;             /* the usable region follows the requested size, as QEMU's does */
    bool relaxed;           /* the guest may have asked before the request changed */
    bool scribbles;         /* plugs memory with contents of its own */
    uint8_t *blocks;
    struct fake_mem_script script[VMEM_REQUESTS];
    void (*on_request)(enum vmem_request_type type); /* before it is served */
    unsigned requests[VMEM_REQUESTS];
    uint64_t largest; /* blocks in one request */
};

/* Devices, by number. */
#define MEM_HOSTS 2
extern struct fake_mem mem_hosts[MEM_HOSTS];
#define mem_host (mem_hosts[0])

/* A device of this geometry with nothing plugged. Not added yet. */
void mem_host_create(unsigned number, uint64_t features, uint64_t block, uint64_t start,
                     uint64_t size);

/* Boot with device 0, which has 64 blocks of 2 MiB at 4 GiB; add it; reset it. */
void mem_host_prepare(void);
void mem_host_add(void);
void mem_host_reset(void);

/* Boot and add device 0: blocks of this size, a region of `nr` of them at 4 GiB or above. */
void mem_host_start(uint64_t block, uint64_t nr);

/* Write the configuration; let the guest know. */
void mem_host_update(struct fake_mem *host);
void mem_host_config(struct fake_mem *host, unsigned offset, uint64_t value);

/* Ask for a size; the second form lets the guest work until it waits. */
void mem_host_request(struct fake_mem *host, uint64_t bytes);
void mem_host_resize(uint64_t bytes);

/* Plug blocks as an earlier guest would have. */
void mem_host_plug(uint64_t first, uint64_t nr);

/* From now on: after `after` good answers, `times` answers of this kind. */
void mem_host_lie(enum vmem_request_type type, enum fake_mem_lie lie, unsigned after,
                  unsigned times);

/* Device and mm agree on every block, and on this size. */
void mem_host_check(uint64_t bytes);

struct vmem *mem_host_vmem(void);
uint64_t mem_host_answers(enum vmem_request_type type, enum vmem_answer answer);

#endif
