// SPDX-License-Identifier: GPL-2.0
/*
 * ifcvf against a register model: the feature windows, the interrupt vectors and the capability
 * check. The driver's functions are the kernel's own text; only what they call is modelled
 * here.
 */
#include <linux/virtio_pci.h>

#include "check.h"

#define QUEUES           2
#define FIRST_IRQ        100
#define BAR_LENGTH       0x4000u
#define PCI_IRQ_MSIX     4
#define PCI_IRQ_AFFINITY 8

struct device {
    int unused;
};

struct pci_dev {
    struct device dev;
    int vectors; /* how many the platform grants */
};

struct vdpa_callback {
    irqreturn_t (*callback)(void *data);
    void *private;
};

static struct virtio_pci_common_cfg cfg;
static u32 driver_features[2];

/* The two windows of the feature words each have a selector of their own (virtio 1.2, 4.1.4.3).
 */
static void vp_iowrite32(u32 value, __le32 *reg)
{
    *reg = value;
    if (reg == &cfg.guest_feature)
        driver_features[cfg.guest_feature_select & 1] = value;
}

static u32 vp_ioread32(__le32 *reg)
{
    return reg == &cfg.guest_feature ? driver_features[cfg.guest_feature_select & 1] : *reg;
}

static void vp_iowrite16(u16 value, __le16 *reg)
{
    *reg = value;
}

static u16 vp_ioread16(__le16 *reg)
{
    return *reg;
}

static u8 vp_ioread8(u8 *reg)
{
    return *reg;
}

static u64 pci_resource_len(struct pci_dev *pdev, int bar)
{
    (void)pdev, (void)bar;
    return BAR_LENGTH;
}

static const char *pci_name(struct pci_dev *pdev)
{
    (void)pdev;
    return "model";
}

static int pci_alloc_irq_vectors(struct pci_dev *pdev, int least, int most, int flags)
{
    (void)flags;
    return pdev->vectors < least ? -ENOSPC : min(pdev->vectors, most);
}

static void pci_free_irq_vectors(struct pci_dev *pdev)
{
    (void)pdev;
}

static int pci_irq_vector(struct pci_dev *pdev, int vector)
{
    return vector < pdev->vectors ? FIRST_IRQ + vector : -EINVAL;
}

static int devm_request_irq(struct device *dev, int irq, irqreturn_t (*handler)(int, void *),
                            int flags, const char *name, void *arg)
{
    (void)dev, (void)handler, (void)flags, (void)name, (void)arg;
    return irq < 0 ? irq : 0;
}

static void devm_free_irq(struct device *dev, int irq, void *arg)
{
    (void)dev, (void)irq, (void)arg;
}

static u32 waited_for; /* a bit per vector whose handlers were waited for with the callbacks in
                          place */
static void synchronize_irq(int irq);

#include "extracted.inc"

static u8 mapped_bar[BAR_LENGTH];
static void *bars[IFCVF_PCI_MAX_RESOURCE] = {mapped_bar};
static struct pci_dev pdev;
static struct vring_info vrings[QUEUES];
static struct ifcvf_hw hw;

static irqreturn_t callback(void *data)
{
    (void)data;
    return IRQ_HANDLED;
}

static void synchronize_irq(int irq)
{
    if (hw.vring[0].cb.callback && hw.config_cb.callback)
        waited_for |= 1u << (irq - FIRST_IRQ);
}

static void start(int vectors)
{
    memset(vrings, 0, sizeof(vrings));
    memset(&hw, 0, sizeof(hw));
    pdev.vectors = vectors;
    hw.pdev = &pdev;
    hw.common_cfg = &cfg;
    hw.base = bars;
    hw.vring = vrings;
    hw.nr_vring = QUEUES;
    hw.config_irq = hw.vqs_reused_irq = -EINVAL;
    for (int i = 0; i < QUEUES; i++) {
        vrings[i].irq = -EINVAL;
        vrings[i].cb.callback = callback;
    }
    hw.config_cb.callback = callback;
    waited_for = 0;
}

static bool stop_waits_for(int vectors, u32 wanted)
{
    start(vectors);
    if (ifcvf_request_irq(&hw))
        return false;
    ifcvf_stop(&hw);
    ifcvf_free_irq(&hw);
    return waited_for == wanted && !vrings[0].cb.callback && hw.num_msix_vectors == 0;
}

static void *cap_addr(u8 bar, u32 offset, u32 length)
{
    struct virtio_pci_cap cap = {.bar = bar, .offset = offset, .length = length};

    start(1);
    return get_cap_addr(&hw, &cap);
}

int main(void)
{
    const u64 features = (1ull << 32) | (1ull << 33) | (1ull << 5);

    start(1);
    ifcvf_set_driver_features(&hw, features);
    check(ifcvf_get_driver_features(&hw) == features, "driver features read back as written");

    check(stop_waits_for(1, 1), "one vector: stop waits for its handler");
    check(stop_waits_for(2, 3), "still two vectors: stop waits for both handlers");
    check(stop_waits_for(QUEUES + 1, 7),
          "still a vector per queue: stop waits for all handlers");

    check(cap_addr(0, 0x1000, 0x100) == mapped_bar + 0x1000,
          "still a capability inside its BAR is accepted");
    check(cap_addr(0, BAR_LENGTH - 0x100, 0x100) != NULL,
          "still a capability at the end of its BAR is accepted");
    check(!cap_addr(0, BAR_LENGTH, 1), "still a capability past its BAR is refused");
    check(!cap_addr(IFCVF_PCI_MAX_RESOURCE, 0, 1), "still a capability in no BAR is refused");
    check(!cap_addr(0, 0xfffff000u, 0x1100), "a capability that wraps is refused");
    check(!cap_addr(1, 0x1000, 0x100), "a capability in an unmapped BAR is refused");
    return checks_end();
}
