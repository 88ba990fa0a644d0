/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buses: what finds devices at start-up. A bus is built only on architectures that have it.
 */
#ifndef NEAP_BUS_H
#define NEAP_BUS_H

#include <neap/compiler.h>

struct bus {
    const char *name;
    void (*init)(void); /* find devices, probe drivers; boot thread, once */
};

#define BUS(bus_name, init_fn)                                                                 \
    static const struct bus bus_##bus_name LINKER_TABLE_ENTRY(bus) = {#bus_name, init_fn}

#endif
