/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device's configuration: read, and checked completely before it is believed.
 */
#include "mem.h"
#include <arch/boot.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>

struct geometry {
    uint64_t block;
    uint64_t node;
    uint64_t address;
    uint64_t size;
};

struct field {
    unsigned offset;
    unsigned width;
    uint64_t *value;
};

static int read_fields(struct virtio_device *dev, const struct field *fields, unsigned nr)
{
    int error = 0;

    for (unsigned i = 0; i < nr && !error; i++)
        error = virtio_config_get(dev, fields[i].offset, fields[i].width, fields[i].value);
    if (error)
        log_error("vmem", "%s: its configuration space is too short or unstable", dev->name);
    return error;
}

static const char *geometry_fault(const struct geometry *geometry)
{
    if (!geometry->block || geometry->block & (geometry->block - 1))
        return "block size is no power of two";
    if (geometry->block < VMEM_BLOCK_MINIMUM)
        return "blocks smaller than 1 MiB";
    if (!geometry->size || !IS_ALIGNED(geometry->address | geometry->size, geometry->block))
        return "region is not made of whole blocks";
    if (geometry->address + geometry->size < geometry->address)
        return "region beyond all addresses";
    return NULL;
}

/* The region was told to mm and may be in use, so it cannot become another one. */
static bool is_other(const struct elastic_region *region, const struct geometry *geometry)
{
    return geometry->block != region->subblock || geometry->address != region->start ||
           geometry->size != region->size;
}

int vmem_read_geometry(struct vmem *vmem)
{
    struct virtio_device *dev = vmem->dev;
    struct geometry geometry = {0};
    const struct field fields[] = {
        {VMEM_CONFIG_BLOCK, 8, &geometry.block},
        {VMEM_CONFIG_ADDRESS, 8, &geometry.address},
        {VMEM_CONFIG_REGION, 8, &geometry.size},
        {VMEM_CONFIG_NODE, 2, &geometry.node}, /* MEM-003, CFG-004 */
    };
    bool has_node = virtio_accepted(dev, VMEM_F_ACPI_PXM);
    int error = read_fields(dev, fields, ARRAY_SIZE(fields) - !has_node);
    const char *fault;

    if (error)
        return error;
    fault = geometry_fault(&geometry);
    if (!fault && vmem->registered && is_other(&vmem->region, &geometry))
        fault = "not what it was before its reset";
    if (fault) {
        log_error("vmem", "%s: %s: block %#llx, region %#llx + %#llx", dev->name, fault,
                  (unsigned long long)geometry.block, (unsigned long long)geometry.address,
                  (unsigned long long)geometry.size);
        return -EINVAL;
    }
    if (vmem->registered)
        return 0;
    vmem->region.name = dev->name;
    vmem->region.start = geometry.address;
    vmem->region.size = geometry.size;
    vmem->region.subblock = geometry.block;
    vmem->region.changed = vmem_worker_memory_changed;
    vmem->region.node = has_node ? (int)geometry.node : arch_memory_node(geometry.address);
    return 0;
}

static const char *sizes_fault(const struct vmem *vmem)
{
    uint64_t block = vmem->region.subblock;

    if (vmem->usable > vmem->region.size || !IS_ALIGNED(vmem->usable, block))
        return "usable size beyond the region or no whole blocks";
    if (vmem->plugged > vmem->usable || !IS_ALIGNED(vmem->plugged, block))
        return "plugged size beyond the usable one or no whole blocks";
    if (vmem->requested > vmem->region.size)
        return "requested size beyond the region";
    return NULL;
}

/* A host's small mistake; the nearest size that does not exceed it is what it can have. */
static void note_rounding(struct vmem *vmem)
{
    char block[FORMAT_SIZE_MAX];

    if (vmem->told_rounding || vmem->requested == vmem_target(vmem))
        return;
    vmem->told_rounding = true;
    log_warning("vmem", "%s: requested size %#llx is rounded down to %#llx: its blocks are %s",
                vmem->dev->name, (unsigned long long)vmem->requested,
                (unsigned long long)vmem_target(vmem),
                format_size(block, vmem->region.subblock));
}

int vmem_read_sizes(struct vmem *vmem)
{
    /* The plugged size changes by our requests alone, and its bound only grows beside them. */
    const struct field fields[] = {
        {VMEM_CONFIG_PLUGGED, 8, &vmem->plugged},
        {VMEM_CONFIG_USABLE, 8, &vmem->usable},
        {VMEM_CONFIG_REQUESTED, 8, &vmem->requested},
    };
    int error = read_fields(vmem->dev, fields, ARRAY_SIZE(fields));
    const char *fault;

    if (error)
        return error;
    fault = sizes_fault(vmem);
    if (fault && !vmem->told_config)
        log_error("vmem", "%s: %s: region %#llx, usable %#llx, plugged %#llx, requested %#llx",
                  vmem->dev->name, fault, (unsigned long long)vmem->region.size,
                  (unsigned long long)vmem->usable, (unsigned long long)vmem->plugged,
                  (unsigned long long)vmem->requested);
    vmem->told_config = fault != NULL;
    if (fault)
        return -EINVAL;
    note_rounding(vmem);
    return 0;
}
