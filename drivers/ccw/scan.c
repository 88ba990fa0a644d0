/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding devices: every subchannel that names one is asked what it is, and offered to the
 * drivers. What is gone stays listed, for it may come back.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/bus.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/sections.h>

LINKER_TABLE(__typeof__(const struct ccw_driver *), ccw_driver);

#define SETS            4
#define NUMBERS         0x10000u
#define COMMAND_SENSEID 0xe4

/* What a device answers to the question who it is. */
struct sense_id {
    uint8_t valid; /* 0xff */
    uint8_t unit_type[2];
    uint8_t unit_model;
    uint8_t device_type[2];
    uint8_t device_model;
};

/* Devices are added by one thread and stay for ever, so the list is walked without a lock. */
static struct list devices = LIST_INIT(devices);

struct ccw_device *ccw_find(subchannel_t id)
{
    struct list *pos;

    list_for_each (pos, &devices) {
        struct ccw_device *dev = list_entry(pos, struct ccw_device, link);

        if (dev->id == id && READ_ONCE(dev->there))
            return dev;
    }
    return NULL;
}

void ccw_for_each(void (*fn)(const struct ccw_device *, void *), void *arg)
{
    struct list *pos;

    list_for_each (pos, &devices)
        fn(list_entry(pos, struct ccw_device, link), arg);
}

static int identify(struct ccw_device *dev)
{
    struct sense_id id = {0};
    struct ccw_request request = {.command = COMMAND_SENSEID,
                                  .reads = true,
                                  .short_is_fine = true,
                                  .data = &id,
                                  .length = sizeof(id)};
    int error = ccw_enable(dev);

    if (!error)
        error = ccw_command(dev, &request);
    if (!error && id.valid != 0xff)
        error = -EIO;
    dev->unit_type = (uint16_t)(id.unit_type[0] << 8 | id.unit_type[1]);
    dev->unit_model = id.unit_model;
    return error;
}

static void offer(struct ccw_device *dev)
{
    const struct ccw_driver *const *driver;

    LINKER_TABLE_FOR_EACH(driver, ccw_driver)
    {
        if ((*driver)->unit_type == dev->unit_type && (*driver)->probe(dev) == 0) {
            dev->driver = *driver;
            return;
        }
    }
    ccw_disable(dev);
}

static void add_device(subchannel_t id, uint16_t number)
{
    struct ccw_device *dev = kcalloc(1, sizeof(*dev), ALLOC_DEFAULT);
    int error;

    if (!dev) {
        log_error("ccw", "no memory for device %04x", number);
        return;
    }
    dev->id = id;
    dev->number = number;
    dev->there = true;
    waitqueue_init(&dev->waiters, "channel program");
    list_push_back(&devices, &dev->link);
    error = identify(dev);
    if (!error)
        offer(dev);
    else
        log_warning("ccw", "%x.%04x: does not say what it is: %s", id >> 17 & 3, number,
                    error_name(error));
}

static void come_back(struct ccw_device *dev)
{
    uint16_t unit_type = dev->unit_type;
    uint8_t unit_model = dev->unit_model;

    WRITE_ONCE(dev->there, true);
    if (identify(dev) || dev->unit_type != unit_type || dev->unit_model != unit_model) {
        log_warning("ccw", "%x.%04x: another kind of device came: it is not used",
                    dev->id >> 17 & 3, dev->number);
        ccw_disable(dev);
    } else if (dev->driver) {
        dev->driver->back(dev);
    }
}

/* A device in use that is not enabled was exchanged since the last look. */
static void look_again(struct ccw_device *dev)
{
    struct schib schib;
    bool there = !arch_subchannel_store(dev->id, &schib) && schib.pmcw.flags & PMCW_VALID &&
                 schib.pmcw.device_number == dev->number;
    bool lost = dev->there && (!there || (dev->driver && !(schib.pmcw.flags & PMCW_ENABLED)));

    if (lost) {
        log_info("ccw", "%x.%04x: gone", dev->id >> 17 & 3, dev->number);
        WRITE_ONCE(dev->there, false);
        if (dev->driver)
            dev->driver->gone(dev);
    }
    if (there && !dev->there)
        come_back(dev);
}

void ccw_look(void)
{
    struct list *pos;

    list_for_each (pos, &devices)
        look_again(list_entry(pos, struct ccw_device, link));
    for (unsigned set = 0; set < SETS; set++) {
        for (unsigned number = 0; number < NUMBERS; number++) {
            struct schib schib;

            if (arch_subchannel_store(SUBCHANNEL(set, number), &schib)) /* behind the last */
                break;
            if (schib.pmcw.flags & PMCW_VALID && !ccw_find(SUBCHANNEL(set, number)))
                add_device(SUBCHANNEL(set, number), schib.pmcw.device_number);
        }
    }
}

/* ---- the `devices` command ---- */

static void print_device(const struct ccw_device *dev, void *arg)
{
    const bool *machine = arg;

    kprintf(*machine ? "ccw=%x.%04x subchannel=%04x unit=%04x/%02x driver=%s\n"
                     : "  %x.%04x  subchannel %04x  unit %04x/%02x  %s\n",
            dev->id >> 17 & 3, dev->number, dev->id & 0xffff, dev->unit_type, dev->unit_model,
            !dev->there   ? "gone"
            : dev->driver ? dev->driver->name
                          : "-");
}

static void print_devices(bool machine)
{
    ccw_for_each(print_device, &machine);
}

DEVICE_LISTER(ccw, print_devices);
