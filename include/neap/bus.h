/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buses: what finds devices at start-up. A bus is built only on architectures that have it.
 */
#ifndef NEAP_BUS_H
#define NEAP_BUS_H

#include <neap/compiler.h>
#include <stdbool.h>

struct bus {
    const char *name;
    void (*init)(void); /* find devices, probe drivers; boot thread, once */
};

/* One part of what `devices` prints, registered by the module that knows the devices. */
struct device_lister {
    const char *name;
    void (*print)(bool machine); /* with kprintf(); machine: one key=value line a device */
};

#define DEVICE_LISTER(lister_name, print_fn)                                          \
    static const struct device_lister device_lister_##lister_name LINKER_TABLE_ENTRY( \
        device_list) = {#lister_name, print_fn}

#define BUS(bus_name, init_fn) \
    static const struct bus bus_##bus_name LINKER_TABLE_ENTRY(bus) = {#bus_name, init_fn}

#endif
