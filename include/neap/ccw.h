/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind the channel subsystem: finding them, and running commands on them.
 */
#ifndef NEAP_CCW_H
#define NEAP_CCW_H

#include <arch/ccw.h>
#include <neap/compiler.h>
#include <neap/list.h>
#include <neap/wait.h>
#include <stdbool.h>

/* Interruption subclass of all devices, and of their adapters. */
#define CCW_ISC         3
#define CCW_ADAPTER_ISC 1

struct ccw_driver;

struct ccw_device {
    struct list link;
    subchannel_t id;
    uint16_t number; /* device number */
    uint16_t unit_type;
    uint8_t unit_model;
    const struct ccw_driver *driver; /* NULL: none wanted it */
    bool there;                      /* it was at its subchannel when that was looked at last */
    /* Status came, maybe one that no command asked for. Interrupt context; may be NULL. */
    void (*attention)(struct ccw_device *);
    void *driver_data;
    struct waitqueue waiters; /* for the end of a command */
    struct irb irb;           /* how it ended */
    bool ended;
};

struct ccw_driver {
    const char *name;
    uint16_t unit_type; /* control unit */
    /* Returns 0 when it takes the device, else an error. Thread context. */
    int (*probe)(struct ccw_device *);
    /* A device it took is gone, and later back, with nothing but its identity. Thread context.
     */
    void (*gone)(struct ccw_device *);
    void (*back)(struct ccw_device *);
};

/* Put a driver into the image. */
#define CCW_DRIVER(driver)                                                                     \
    static const struct ccw_driver *const ccw_driver_##driver LINKER_TABLE_ENTRY(ccw_driver) = \
        &(driver)

#define CCW_DATA_MAX 512

/* A command: its data goes to the device, and comes back from it if `reads`. */
struct ccw_request {
    uint8_t command;
    bool reads;
    bool short_is_fine; /* the device may move fewer bytes */
    void *data;
    unsigned length;   /* at most CCW_DATA_MAX */
    unsigned residual; /* result: bytes not moved */
};

/*
 * Run a command and wait for its end. Returns 0; -ENOTSUP: the device rejects the command;
 * -EIO; -ENODEV: the device is gone; -ETIMEDOUT, with the device disabled. Thread context.
 */
int ccw_command(struct ccw_device *dev, struct ccw_request *request);

/* Let the device take commands and interrupt; or cut it off. 0 or -ENODEV. Thread context. */
int ccw_enable(struct ccw_device *dev);
void ccw_disable(struct ccw_device *dev);

/*
 * Call handler(arg) at every adapter interrupt. Returns 0, -ENOSPC. Detached: no handler runs
 * after the return. Thread context.
 */
int ccw_adapter_attach(void (*handler)(void *), void *arg);
void ccw_adapter_detach(void (*handler)(void *), void *arg);

/* Wait until no interrupt handler of this bus runs that was entered before. Thread context. */
void ccw_synchronize(void);

/* Call fn for each device found. Thread context. */
void ccw_for_each(void (*fn)(const struct ccw_device *, void *), void *arg);

#endif
