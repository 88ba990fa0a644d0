/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a virtio device behind a channel: the host sets bits in our memory and raises
 * an adapter interrupt, or, where it has none, status of the device. Changes of the
 * configuration always come as status of the device.
 */
#include "ccw_transport.h"
#include <neap/alloc.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <string.h>

static uint64_t take_bits(uint64_t *bits)
{
    return READ_ONCE(*bits) ? __atomic_exchange_n(bits, 0, __ATOMIC_SEQ_CST) : 0;
}

/* Bit 0 is the highest one of the first byte. */
static void run_adapter_bits(struct ccw_transport *transport)
{
    for (uint64_t bits = take_bits(&transport->queue_bits); bits;) {
        unsigned index = (unsigned)__builtin_clzll(bits);

        bits &= ~(UINT64_C(1) << 63 >> index);
        virtio_queue_interrupt(&transport->dev, index);
    }
}

/* CCW-011: the host sets the summary after a bit, so clearing it before the look misses none.
 */
static void adapter_interrupt(void *arg)
{
    struct ccw_transport *transport = arg;

    if (!READ_ONCE(transport->summary))
        return;
    __atomic_store_n(&transport->summary, 0, __ATOMIC_SEQ_CST);
    run_adapter_bits(transport);
}

/* The device has status: queue bits count from the lowest of the word. */
static void attention(struct ccw_device *ccw)
{
    struct ccw_transport *transport = ccw->driver_data;

    if (take_bits(&transport->config_bits) & 1)
        virtio_config_interrupt(&transport->dev);
    if (transport->mode != CCW_INTERRUPT_CLASSIC)
        return;
    for (uint64_t bits = take_bits(&transport->queue_bits); bits; bits &= bits - 1)
        virtio_queue_interrupt(&transport->dev, (unsigned)__builtin_ctzll(bits));
}

static int try_adapter(struct ccw_transport *transport)
{
    struct ccw_adapter_indicators where = {.summary = virt_to_phys(&transport->summary),
                                           .indicators = virt_to_phys(&transport->queue_bits),
                                           .isc = CCW_ADAPTER_ISC};
    int error = ccw_adapter_attach(adapter_interrupt, transport);

    if (error)
        return error;
    error = ccw_write(transport, CCW_SET_ADAPTER_INDICATORS, &where, sizeof(where));
    if (error)
        ccw_adapter_detach(adapter_interrupt, transport);
    else
        transport->mode = CCW_INTERRUPT_ADAPTER;
    return error;
}

static int try_classic(struct ccw_transport *transport)
{
    uint64_t where = virt_to_phys(&transport->queue_bits);

    transport->mode = CCW_INTERRUPT_CLASSIC;
    return ccw_write(transport, CCW_SET_INDICATORS, &where, sizeof(where));
}

/* For tests, and for a host whose adapter interrupts are broken. */
static bool classic_only;

static int set_indicators(const char *value)
{
    classic_only = strcmp(value, "classic") == 0;
    return classic_only || strcmp(value, "adapter") == 0 ? 0 : -EINVAL;
}
CMDLINE_KEY(indicators, "adapter (default) or classic: how devices behind channels interrupt",
            set_indicators);

static const char *const mode_names[] = {
    [CCW_INTERRUPT_ADAPTER] = "adapter interrupts, a bit for each queue",
    [CCW_INTERRUPT_CLASSIC] = "interrupts of the subchannel, a bit for each queue",
};

int ccw_setup_interrupts(struct virtio_device *dev, const unsigned *indices, unsigned nr_queues)
{
    struct ccw_transport *transport = to_ccw(dev);
    uint64_t where = virt_to_phys(&transport->config_bits);
    int error;

    (void)indices; /* all queues have their bit */
    (void)nr_queues;
    transport->queue_bits = transport->config_bits = 0;
    transport->summary = 0;
    transport->ccw->attention = attention;
    error = classic_only ? -ENOTSUP : try_adapter(transport);
    if (error)
        error = try_classic(transport);
    if (!error)
        error = ccw_write(transport, CCW_SET_CONFIG_INDICATORS, &where, sizeof(where));
    if (error)
        log_error("virtio", "%s: takes no indicators: %s", dev->name, error_name(error));
    dev->interrupts = mode_names[transport->mode];
    return error;
}

void ccw_release_interrupts(struct virtio_device *dev)
{
    struct ccw_transport *transport = to_ccw(dev);

    transport->ccw->attention = NULL;
    if (transport->mode == CCW_INTERRUPT_ADAPTER)
        ccw_adapter_detach(adapter_interrupt, transport);
    else
        ccw_synchronize();
    transport->mode = CCW_INTERRUPT_NONE;
    dev->interrupts = NULL;
}
