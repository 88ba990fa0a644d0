/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices that only the DSDT tells of (QEMU's microvm). Each is an object whose hardware
 * id is LNRO0005, with one resource template: a fixed 32-bit memory range, then an interrupt.
 */
#include "acpi.h"
#include "acpi_tables.h"
#include <neap/compiler.h>
#include <neap/log.h>
#include <neap/virtio_mmio.h>
#include <string.h>

#define HARDWARE_ID "LNRO0005" /* with its terminating 0 in the byte code */

/* The template follows the id, behind a unique id and the like. */
#define DISTANCE_MAX 64

/* In the flags of an interrupt. */
#define ACTIVE_LOW (1u << 2)

struct memory_and_interrupt {
    uint8_t memory_tag; /* 0x86: fixed 32-bit memory range */
    uint16_t memory_length;
    uint8_t writable;
    uint32_t base;
    uint32_t bytes;
    uint8_t interrupt_tag; /* 0x89: extended interrupt */
    uint16_t interrupt_length;
    uint8_t flags;
    uint8_t nr_interrupts;
    uint32_t gsi;
} __attribute__((packed));

_Static_assert(sizeof(struct memory_and_interrupt) == 21, "resource descriptors");

static bool is_template(const struct memory_and_interrupt *found)
{
    return found->memory_tag == 0x86 && found->memory_length == 9 &&
           found->interrupt_tag == 0x89 && found->interrupt_length == 6 &&
           found->nr_interrupts == 1;
}

/* What describes the device whose id ends at `at`. */
static void note_device(const uint8_t *at, const uint8_t *end)
{
    for (unsigned i = 0; i < DISTANCE_MAX; i++) {
        struct memory_and_interrupt found;

        if ((size_t)(end - at) < i + sizeof(found))
            return;
        memcpy(&found, at + i, sizeof(found));
        if (!is_template(&found))
            continue;
        if (virtio_mmio_note(found.base, found.bytes, found.gsi))
            log_warning("acpi", "virtio device at %#x + %#x is ignored", found.base,
                        found.bytes);
        else if (found.gsi < 64 && !(found.flags & ACTIVE_LOW))
            acpi_info.active_high |= UINT64_C(1) << found.gsi;
        return;
    }
}

void acpi_find_virtio(const struct acpi_table *dsdt)
{
    const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;

    for (const uint8_t *p = (const uint8_t *)(dsdt + 1);
         (size_t)(end - p) >= sizeof(HARDWARE_ID); p++)
        if (memcmp(p, HARDWARE_ID, sizeof(HARDWARE_ID)) == 0)
            note_device(p + sizeof(HARDWARE_ID), end);
}
