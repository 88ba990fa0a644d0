/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which virtio devices there are behind plain registers: those of the command line
 * (virtio_mmio.device=size@base:irq) and those that firmware tells.
 */
#include "internal.h"
#include "mmio_transport.h"
#include <arch/mmio.h>
#include <neap/bus.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <neap/virtio_mmio.h>
#include <neap/vmap.h>
#include <string.h>

#define PLACES_MAX 64

static struct {
    uint64_t phys, bytes;
    unsigned line;
} places[PLACES_MAX];
static unsigned nr_places;

int virtio_mmio_note(uint64_t phys, uint64_t bytes, unsigned line)
{
    if (bytes < MMIO_CONFIG || phys % 4 || phys + bytes < phys)
        return -EINVAL;
    for (unsigned i = 0; i < nr_places; i++)
        if (places[i].phys == phys)
            return 0;
    if (nr_places == PLACES_MAX) {
        log_warning("virtio", "more than %d places for MMIO devices: %#llx is left out",
                    PLACES_MAX, (unsigned long long)phys);
        return -ENOSPC;
    }
    places[nr_places].phys = phys;
    places[nr_places].bytes = bytes;
    places[nr_places++].line = line;
    return 0;
}

/* ---- the command line ---- */

/* The number up to `end`, or to the end of the text; *text goes behind it. */
static int take_number(const char **text, char end, uint64_t *value)
{
    const char *stop = strchr(*text, end);
    char word[24];
    size_t length = stop ? (size_t)(stop - *text) : strlen(*text);

    if (length >= sizeof(word))
        return -EINVAL;
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length + (stop != NULL);
    return parse_size(word, value);
}

/* An id may follow, which has a meaning on Linux only. */
static int set_device(const char *value)
{
    uint64_t bytes = 0, phys = 0, line = 0;
    int error = take_number(&value, '@', &bytes);

    if (!error)
        error = take_number(&value, ':', &phys);
    if (!error)
        error = take_number(&value, ':', &line);
    if (!error && line > UINT16_MAX)
        error = -ERANGE;
    return error ? error : virtio_mmio_note(phys, bytes, (unsigned)line);
}

static const struct cmdline_key device_key LINKER_TABLE_ENTRY(cmdline) = {
    "virtio_mmio.device", "512@0xfeb00000:5: a device's registers and its interrupt line",
    set_device};

/* ---- the bus ---- */

/* The device id; 0: no device that can be used. */
static unsigned identify(const volatile uint8_t *registers, uint64_t phys)
{
    uint32_t magic = mmio_read32(registers + MMIO_MAGIC), version, id;

    if (magic != MMIO_MAGIC_VALUE) {
        log_error("virtio", "no MMIO device at %#llx: it begins with %#x",
                  (unsigned long long)phys, magic);
        return 0;
    }
    version = mmio_read32(registers + MMIO_VERSION);
    id = mmio_read32(registers + MMIO_DEVICE_ID);
    /* An empty place may be a legacy one, which is no error either. */
    if (!id || version == MMIO_VERSION_2)
        return id;
    log_error("virtio",
              "MMIO device at %#llx: version %u: legacy devices are not supported (QEMU: "
              "-global virtio-mmio.force-legacy=false)",
              (unsigned long long)phys, version);
    return 0;
}

static void add_device(uint64_t phys, uint64_t bytes, unsigned line)
{
    volatile uint8_t *registers = mmio_map(phys, bytes);
    struct mmio_transport *transport;
    unsigned id = registers ? identify(registers, phys) : 0;
    char place[24];

    if (registers && !id)
        return;
    transport = kcalloc(1, sizeof(*transport), 0);
    if (!registers || !transport) {
        log_error("virtio", "no memory for the MMIO device at %#llx", (unsigned long long)phys);
        kfree(transport);
        return;
    }
    transport->registers = registers;
    transport->bytes = bytes;
    transport->line = line;
    transport->dev.ops = &mmio_transport_ops;
    transport->dev.device_id = id;
    format_string(place, sizeof(place), "mmio %llx", (unsigned long long)phys);
    virtio_device_name(&transport->dev, place);
    /* The core logs what goes wrong from here on; the device stays listed with its fault. */
    virtio_device_add(&transport->dev);
}

static void find_devices(void)
{
    for (unsigned i = 0; i < nr_places; i++)
        add_device(places[i].phys, places[i].bytes, places[i].line);
}
BUS(virtio_mmio, find_devices);
