/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channel I/O: the instructions of the channel subsystem. Only architectures with one implement
 * it; drivers/ccw is built only for those. Structures and values are the hardware's.
 */
#ifndef ARCH_CCW_H
#define ARCH_CCW_H

#include <stdbool.h>
#include <stdint.h>

/* A subchannel identification word: 1 and the subchannel set above, the number below. */
typedef uint32_t subchannel_t;

#define SUBCHANNEL(set, number) (UINT32_C(0x00010000) | (uint32_t)(set) << 17 | (number))

/* Path-management control word: what a subchannel is connected to. */
struct pmcw {
    uint32_t parameter;
    uint16_t flags;
    uint16_t device_number;
    uint8_t path_mask, paths_not_operational, last_paths_used, paths_installed;
    uint16_t measurement;
    uint8_t paths_operational, paths_available;
    uint8_t path_ids[8];
    uint32_t characteristics;
};

#define PMCW_VALID     0x0001u /* a device is there */
#define PMCW_ENABLED   0x0080u
#define PMCW_ISC_SHIFT 11
#define PMCW_ISC       0x3800u
#define PMCW_SENSE     0x00000001u /* characteristics: a unit check brings its sense data along */

/* Subchannel-status word. */
struct scsw {
    uint16_t flags;
    uint16_t control;
    uint32_t program; /* behind the last command */
    uint8_t device_status, channel_status;
    uint16_t count; /* bytes that the last command left over */
};

#define SCSW_START 0x4000u /* control: functions that the status belongs to */
#define SCSW_CLEAR 0x1000u
#define SCSW_FINAL 0x0002u /* secondary status: the device has ended */

#define DEVICE_UNIT_CHECK  0x02u
#define DEVICE_CHANNEL_END 0x08u
#define DEVICE_END         0x04u

/* Subchannel-information block. */
struct schib {
    struct pmcw pmcw;
    struct scsw scsw;
    uint8_t model_dependent[12];
} __attribute__((aligned(4)));

/* Interruption-response block. */
struct irb {
    struct scsw scsw;
    uint32_t extended_status[5];
    uint8_t sense[32];
    uint8_t measurement[32];
} __attribute__((aligned(4)));

#define SENSE_COMMAND_REJECT 0x80u /* first sense byte */

/* Operation-request block. */
struct orb {
    uint32_t parameter;
    uint32_t control;
    uint32_t program; /* physical address, below 2 GiB */
    uint32_t reserved[5];
} __attribute__((aligned(4)));

#define ORB_FORMAT_1    UINT32_C(0x00800000)
#define ORB_PREFETCH    UINT32_C(0x00400000)
#define ORB_PATHS_SHIFT 8

/* Channel command word, format 1. */
struct ccw {
    uint8_t command;
    uint8_t flags;
    uint16_t count;
    uint32_t address; /* physical, below 2 GiB */
} __attribute__((aligned(8)));

#define CCW_SHORT_IS_FINE 0x20u /* no error when the device moves fewer bytes */

_Static_assert(sizeof(struct schib) == 52, "the hardware's layout");
_Static_assert(sizeof(struct irb) == 96, "the hardware's layout");
_Static_assert(sizeof(struct orb) == 32, "the hardware's layout");

/* Each returns the condition code; 3: there is no such subchannel. Any context. */
unsigned arch_subchannel_store(subchannel_t id, struct schib *schib);
unsigned arch_subchannel_modify(subchannel_t id, const struct schib *schib);
unsigned arch_subchannel_start(subchannel_t id, const struct orb *orb);
unsigned arch_subchannel_test(subchannel_t id, struct irb *irb); /* 0: status was pending */
unsigned arch_subchannel_clear(subchannel_t id);

/* Take the oldest channel report that is pending; false: there is none. Any context. */
bool arch_channel_report(uint32_t *report);

/*
 * Tell the host that a virtio device has something to do. Returns a cookie for the next call,
 * negative: there is no such device. Any context.
 */
int64_t arch_virtio_ccw_notify(subchannel_t id, uint32_t data, int64_t cookie);

/*
 * Upcalls, interrupt context: status is pending; an adapter of some device has set bits; there
 * are channel reports.
 */
void ccw_interrupt(subchannel_t id);
void ccw_adapter_interrupt(void);
void ccw_report_pending(void);

#endif
