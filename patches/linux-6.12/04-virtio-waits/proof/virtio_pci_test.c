// SPDX-License-Identifier: GPL-2.0
/* The reset of a virtio-pci device that takes its time, or is gone. */
#include <kernel.h>

struct pci_dev {
    bool present;
};
struct virtio_device {
    int unused;
};
struct virtio_pci_modern_device {
    int unused;
};
struct virtio_pci_device {
    struct virtio_device vdev;
    struct pci_dev *pci_dev;
    struct virtio_pci_modern_device mdev;
};

static struct pci_dev pci;
static struct virtio_pci_device device = {.pci_dev = &pci};
static int reads_until_reset, written, flushed;
static u8 status_until_reset;

#define to_vp_device(vdev)                 container_of(vdev, struct virtio_pci_device, vdev)
#define pci_device_is_present(pci_dev)     ((pci_dev)->present)
#define vp_modern_set_status(mdev, status) (written = (status))
#define vp_modern_avq_cleanup(vdev)        ((void)0)
#define vp_synchronize_vectors(vdev)       (flushed++)
static u8 vp_modern_get_status(struct virtio_pci_modern_device *mdev)
{
    return reads_until_reset && reads_until_reset-- ? status_until_reset : 0;
}
/* One turn of a wait: nobody waits that long for a reset. */
static void msleep(unsigned int ms)
{
    if (++timeouts > 1000)
        longjmp(hang, 1);
}

#include "virtio_pci.inc"

static void reset(bool present, u8 status, int reads)
{
    pci.present = present;
    status_until_reset = status;
    reads_until_reset = reads;
    written = -1;
    flushed = 0;
    vp_reset(&device.vdev);
}
static bool slow_reset_is_waited_for(void)
{
    reset(true, 0x0f, 20);
    expect(written == 0 && flushed == 1 && timeouts == 20);
    return true;
}
static bool all_ones_of_a_present_device(void)
{
    reset(true, 0xff, 20);
    expect(flushed == 1 && timeouts == 20);
    return true;
}
static bool gone_device(void)
{
    reset(false, 0xff, INT_MAX);
    expect(written == 0 && flushed == 1);
    return true;
}

int main(void)
{
    static const struct test tests[] = {
        {"still pci: a slow reset is waited for", slow_reset_is_waited_for},
        {"still pci: a present device may read as all ones for a while",
         all_ones_of_a_present_device},
        {"pci: the reset of a device that is gone ends", gone_device},
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}
