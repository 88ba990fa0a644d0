/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI part of the `devices` command.
 */
#include <neap/bus.h>
#include <neap/log.h>
#include <neap/pci.h>

static void print_function(const struct pci_function *fn, void *arg)
{
    const bool *machine = arg;

    kprintf(*machine ? "pci=%02x:%02x.%x vendor=%04x device=%04x class=%06x driver=%s\n"
                     : "  %02x:%02x.%x  %04x:%04x  class %06x  %s\n",
            fn->bdf >> 8, fn->bdf >> 3 & 31, fn->bdf & 7, fn->vendor, fn->device,
            fn->class_code, fn->driver ? fn->driver : "-");
}

static void print_functions(bool machine)
{
    pci_for_each(print_function, &machine);
}

DEVICE_LISTER(pci, print_functions);
