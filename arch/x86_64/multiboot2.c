/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiboot2 information: a list of tags. Everything in it is input.
 */
#include "x86.h"
#include <arch/layout.h>
#include <neap/compiler.h>
#include <neap/log.h>
#include <string.h>

#define INFO_SIZE_MAX (1 * MIB)

enum {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_MEMORY_MAP = 6,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};

#define MEMORY_AVAILABLE 1

struct tag {
    uint32_t type;
    uint32_t size; /* with this head, without the padding to 8 bytes */
};

struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct memory_map_entry {
    uint64_t start;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};

static void read_memory_map(struct boot_info *info, const struct tag *tag)
{
    const struct tag_memory_map *map = (const struct tag_memory_map *)tag;
    uint32_t offset = sizeof(*map);

    if (tag->size < sizeof(*map) || map->entry_size < sizeof(struct memory_map_entry) ||
        map->entry_size % 8 != 0) {
        log_error("boot", "multiboot2: the memory map's entries have no usable size");
        return;
    }
    while (tag->size - offset >= map->entry_size) {
        const struct memory_map_entry *entry =
            (const struct memory_map_entry *)((const char *)map + offset);

        if (entry->type == MEMORY_AVAILABLE)
            boot_memory_add(info, entry->start, entry->start + entry->length);
        offset += map->entry_size;
    }
}

static void read_tag(struct boot_info *info, const struct tag *tag, uint64_t *rsdp)
{
    const char *body = (const char *)(tag + 1);

    switch (tag->type) {
    case TAG_CMDLINE:
        x86_boot_cmdline(info, body, tag->size - sizeof(*tag));
        break;
    case TAG_MEMORY_MAP:
        read_memory_map(info, tag);
        break;
    case TAG_RSDP_OLD:
        if (*rsdp == 0)
            *rsdp = virt_to_phys(body);
        break;
    case TAG_RSDP_NEW: /* the better of the two */
        *rsdp = virt_to_phys(body);
        break;
    default: /* not needed here */
        break;
    }
}

bool x86_boot_multiboot2(struct boot_info *info, uint64_t phys, uint64_t *rsdp)
{
    const uint32_t *head = x86_boot_map(phys, 2 * sizeof(uint32_t));
    uint32_t size, offset = 2 * sizeof(uint32_t);

    info->protocol = "multiboot2";
    if (!head || phys % 8 != 0)
        return false;
    size = head[0];
    if (size > INFO_SIZE_MAX || !x86_boot_map(phys, size))
        return false;
    while (size >= offset + sizeof(struct tag)) {
        const struct tag *tag = (const struct tag *)((const char *)head + offset);

        if (tag->size < sizeof(*tag) || tag->size > size - offset)
            return false;
        if (tag->type == TAG_END)
            return true;
        read_tag(info, tag, rsdp);
        offset += ALIGN_UP(tag->size, 8);
    }
    return false;
}
