/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport of an IFC VF: that of virtio PCI devices, whose queues can be stopped and go on
 * after a reset.
 */
#include "ifcvf.h"
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* DPDK waits 10 times 10 ms; a device made of software is done at once. */
#define STOP_POLLS   100
#define STOP_POLL_NS NS_PER_MS

/*
 * A VF reaches memory through the platform alone, and other drivers refuse one that does not
 * say so. An index tells the position in a split ring only.
 */
static int filter_features(struct virtio_device *dev, struct virtio_features *accepted)
{
    if (to_ifcvf(dev)->lm)
        accepted->word[0] &= ~(UINT64_C(1) << VIRTIO_F_RING_PACKED);
    if (virtio_features_test(accepted, VIRTIO_F_ACCESS_PLATFORM))
        return 0;
    log_error("virtio", "%s: does not offer VIRTIO_F_ACCESS_PLATFORM, which an IFC VF must",
              dev->name);
    return -ENOTSUP;
}

struct ifcvf *ifcvf_of(struct virtio_device *dev)
{
    return dev->ops->filter_features == filter_features ? to_ifcvf(dev) : NULL;
}

static int reset(struct virtio_device *dev)
{
    int error = pci_transport_ops.reset(dev);

    if (!error)
        ifcvf_log_resume(to_ifcvf(dev));
    return error;
}

static bool queue_keeps(struct virtio_device *dev, unsigned index)
{
    if (ifcvf_state_offset(to_ifcvf(dev), index))
        return true;
    log_warning("virtio",
                "%s: nobody knows where the state of queue %u is: say ifcvf_stride=8 or 64 as "
                "its manual does",
                dev->name, index);
    return false;
}

/* Only when queue_enable reads 0 the device has written the state. */
static int queue_stop(struct virtio_device *dev, unsigned index, uint16_t *fetched)
{
    struct ifcvf *vf = to_ifcvf(dev);
    volatile uint8_t *enable = vf->pci.common + COMMON_QUEUE_ENABLE;

    pci_select_queue(&vf->pci, index);
    mmio_write16(enable, 0);
    for (unsigned i = 0; mmio_read16(enable); i++) {
        if (i == STOP_POLLS)
            return -ETIMEDOUT;
        thread_sleep_ns(STOP_POLL_NS);
    }
    /* The upper half counts with one layout only: the ring says the same. */
    *fetched = (uint16_t)mmio_read32(vf->lm + ifcvf_state_offset(vf, index));
    return 0;
}

/* The state goes in behind the addresses and the size, and before the queue lives. */
static int queue_continue(struct virtio_device *dev, unsigned index, unsigned size,
                          const struct virtqueue_areas *areas, uint16_t position)
{
    struct ifcvf *vf = to_ifcvf(dev);
    unsigned offset = ifcvf_state_offset(vf, index);
    int error = pci_queue_prepare(&vf->pci, index, size, areas);

    if (error)
        return error;
    if (offset)
        mmio_write32(vf->lm + offset, (uint32_t)position << 16 | position);
    pci_queue_start(&vf->pci, index);
    return 0;
}

/* What is left in the registers from an earlier life would be taken for a position. */
static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                        const struct virtqueue_areas *areas)
{
    return queue_continue(dev, index, size, areas, 0);
}

void ifcvf_override(struct virtio_transport_ops *ops, bool has_lm)
{
    ops->name = "ifcvf";
    ops->filter_features = filter_features;
    if (!has_lm)
        return;
    ops->reset = reset;
    ops->queue_enable = queue_enable;
    ops->queue_keeps = queue_keeps;
    ops->queue_stop = queue_stop;
    ops->queue_continue = queue_continue;
}
