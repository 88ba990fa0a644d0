/* SPDX-License-Identifier: BSD-2-Clause */
/* The SRAT's entries: which NUMA node memory belongs to, also where none is plugged yet. */
#include "acpi.h"
#include "acpi_tables.h"
#include <arch/boot.h>
#include <limits.h>
#include <neap/log.h>

void acpi_srat_entry(const struct acpi_entry *entry)
{
    const struct acpi_srat_memory *memory = (const void *)entry;
    struct acpi_node_range *range = &acpi_info.nodes[acpi_info.nr_nodes];

    if (entry->type != SRAT_MEMORY || entry->length < sizeof(*memory) ||
        !(memory->flags & SRAT_MEMORY_ENABLED) || memory->size == 0)
        return;
    if (acpi_info.nr_nodes == ACPI_NODE_RANGES_MAX || memory->domain > INT_MAX ||
        memory->base + memory->size < memory->base) {
        log_warning("acpi", "SRAT: memory at %#llx of node %u is ignored",
                    (unsigned long long)memory->base, memory->domain);
        return;
    }
    range->start = memory->base;
    range->end = memory->base + memory->size;
    range->node = (int)memory->domain;
    acpi_info.nr_nodes++;
}

int arch_memory_node(uint64_t phys)
{
    for (unsigned i = 0; i < acpi_info.nr_nodes; i++) {
        if (phys >= acpi_info.nodes[i].start && phys < acpi_info.nodes[i].end)
            return acpi_info.nodes[i].node;
    }
    return -1;
}
