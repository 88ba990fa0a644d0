/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which functions are IFC VFs, and what each of them can do. They carry the ids of ordinary
 * virtio devices; only the subsystem tells them apart.
 */
#include "ifcvf.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/vmap.h>

#define VENDOR_VIRTIO 0x1af4
#define VENDOR_INTEL  0x8086

static const struct {
    uint16_t device, subsystem;
} ids[] = {
    {0x1041, 0x001a}, /* network: N3000 */
    {0x1000, 0x0001}, /* network: C5000X-PL, F2000X-PL */
    {0x1001, 0x0002}, /* block: C5000X-PL */
};

static unsigned pair_stride;

static int set_stride(const char *value)
{
    uint64_t stride;
    int error = parse_size(value, &stride);

    if (error || stride % LM_PAIR_STRIDE_MIN)
        return error ? error : -EINVAL;
    if (!stride || stride > LM_PAIR_STRIDE_MAX)
        return -ERANGE;
    pair_stride = (unsigned)stride;
    return 0;
}
CMDLINE_KEY(ifcvf_stride, "8-1024: bytes between the states of two queue pairs of an IFC VF",
            set_stride);

static enum pci_match ifcvf_match(const struct pci_function *fn)
{
    if (fn->vendor != VENDOR_VIRTIO || fn->subsystem_vendor != VENDOR_INTEL)
        return PCI_MATCH_NONE;
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        if (fn->device == ids[i].device && fn->subsystem_device == ids[i].subsystem)
            return PCI_MATCH_SUBSYSTEM;
    return PCI_MATCH_NONE;
}

unsigned ifcvf_state_offset(const struct ifcvf *vf, unsigned queue)
{
    unsigned pair = queue / 2;
    uint64_t offset =
        LM_QUEUE_STATE + (uint64_t)pair * vf->pair_stride + queue % 2 * LM_STATE_BYTES;

    if ((pair && !vf->pair_stride) || offset + LM_STATE_BYTES > vf->lm_bytes)
        return 0;
    return (unsigned)offset;
}

/* Without a usable BAR it is a virtio device like any other. */
static void find_lm(struct ifcvf *vf)
{
    const struct pci_function *fn = vf->pci.fn;
    uint64_t bytes = fn->bars[IFCVF_LM_BAR].size;

    vf->pair_stride = pair_stride;
    if (fn->bars[IFCVF_LM_BAR].phys && bytes >= LM_BYTES_MIN) {
        vf->lm_bytes = MIN(bytes, LM_QUEUE_STATE + VIRTIO_QUEUES_MAX / 2 * LM_PAIR_STRIDE_MAX);
        vf->lm = mmio_map(fn->bars[IFCVF_LM_BAR].phys, vf->lm_bytes);
    }
    if (!vf->lm)
        log_warning("virtio",
                    "%s: an IFC VF without registers for live migration (BAR %u has %llu "
                    "bytes): its queues cannot be kept over a reset",
                    vf->pci.dev.name, IFCVF_LM_BAR, (unsigned long long)bytes);
}

static int ifcvf_probe(struct pci_function *fn)
{
    struct ifcvf *vf = kcalloc(1, sizeof(*vf), 0);
    int error;

    if (!vf)
        return -ENOMEM;
    error = pci_transport_init(&vf->pci, fn);
    if (error) {
        kfree(vf);
        return error;
    }
    find_lm(vf);
    vf->ops = *vf->pci.dev.ops;
    ifcvf_override(&vf->ops, vf->lm != NULL);
    vf->pci.dev.ops = &vf->ops;
    fn->driver_data = &vf->pci;
    virtio_device_add(&vf->pci.dev);
    return 0;
}

static const struct pci_driver ifcvf_driver = {
    .name = "ifcvf",
    .match = ifcvf_match,
    .probe = ifcvf_probe,
};

PCI_DRIVER(ifcvf_driver);
