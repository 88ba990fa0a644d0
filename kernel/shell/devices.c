/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devices: CPUs here, everything else by the module that knows it.
 */
#include "commands.h"
#include <neap/bus.h>
#include <neap/cpu.h>
#include <neap/log.h>
#include <neap/sections.h>

LINKER_TABLE(struct device_lister, device_list);

static void print_cpus(bool machine)
{
    if (machine) {
        kprintf("cpus=%u\n", cpu_count());
        return;
    }
    kprintf("  %u CPU%s online: %s\n", cpu_count(), cpu_count() == 1 ? "" : "s",
            arch_cpu_describe());
    for (unsigned i = 0; i < cpu_count(); i++)
        kprintf("  CPU %-2u %12llu interrupts\n", i, (unsigned long long)cpus[i]->interrupts);
}

static int devices(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv);
    const struct device_lister *lister;

    print_cpus(machine);
    LINKER_TABLE_FOR_EACH(lister, device_list)
    {
        lister->print(machine);
    }
    return 0;
}
SHELL_COMMAND(devices, "devices [--machine]", "CPUs and devices", devices);
