/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model behind fake_ifcvf.h.
 */
#include "fake_ifcvf.h"
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/net.h"
#include "kernel.h"
#include <neap/alloc.h>
#include <neap/endian.h>
#include <neap/timer.h>
#include <string.h>

#define FRAME_BYTES 60
#define HEADROOM    64

struct fake_ifcvf vf;

static struct {
    struct vringd ring;
    struct vringd_chain chains[VF_RING_SIZE]; /* read, and not used */
    unsigned nr_chains;
    unsigned reads_left; /* of queue_enable, until it has stopped */
} queues[PCI_QUEUES];

static unsigned next_sent, next_received;

static uint8_t *state_of(unsigned queue)
{
    return vf.lm + LM_QUEUE_STATE + queue / 2 * vf.stride + queue % 2 * LM_STATE_BYTES;
}

/* What the registers hold after it is nobody's business. */
static void vf_reset(void)
{
    vf.resets++;
    memset(vf.lm, 0x5a, sizeof(vf.lm));
    if (vf.forgets_a_bit)
        model.offered.word[0] &= ~FEATURE(NET_F_STATUS);
    memset(&model.accepted, 0, sizeof(model.accepted));
}

static void *translate(void *arg, uint64_t phys, uint64_t bytes)
{
    (void)arg;
    return phys + bytes <= SHIM_PHYS_SIZE ? shim_phys(phys) : NULL;
}

static void queue_start(unsigned queue)
{
    const uint64_t *areas = model.queues[queue].areas;
    struct vringd *ring = &queues[queue].ring;

    vf.starts++;
    CHECK_EQ(vringd_init(ring, model.queues[queue].size,
                         &(struct virtqueue_areas){areas[0], areas[1], areas[2]},
                         &model.accepted, translate, NULL),
             0);
    if (vf.no_lm)
        memset(vf.lm, 0, sizeof(vf.lm));
    ring->next_avail = (uint16_t)le_load(state_of(queue), 2);
    ring->next_used = (uint16_t)le_load(state_of(queue) + (vf.both_indices ? 2 : 0), 2);
    vf.started_at[queue] = ring->next_avail;
    CHECK_EQ(ring->next_used, ring->next_avail);
    queues[queue].nr_chains = 0;
}

/* What was read and is not used is given up, and read again by whoever goes on. */
static void queue_stop(unsigned queue)
{
    vf.stops++;
    queues[queue].reads_left = vf.slow;
    le_store(state_of(queue), 2, (uint16_t)(queues[queue].ring.next_avail + vf.lie));
    if (vf.both_indices)
        le_store(state_of(queue) + 2, 2, queues[queue].ring.next_used);
}

static bool queue_stopped(unsigned queue)
{
    if (!queues[queue].reads_left)
        return true;
    queues[queue].reads_left--;
    return false;
}

static void answer_commands(void)
{
    while (vf_fetch(VF_CONTROL, 1)) {
        struct vringd_chain *chain = queues[VF_CONTROL].chains;

        *(uint8_t *)shim_phys(chain->pieces[chain->out].phys) = 0;
        vringd_push(&queues[VF_CONTROL].ring, chain->head, 1);
        queues[VF_CONTROL].nr_chains = 0;
        if (vringd_wants_interrupt(&queues[VF_CONTROL].ring))
            CHECK(model_raise(model.queues[VF_CONTROL].vector));
    }
}

static void notified(unsigned queue)
{
    CHECK(queue < PCI_QUEUES && model.queues[queue].enabled);
    CHECK(model.status & VIRTIO_STATUS_DRIVER_OK); /* INIT-014 */
    if (queue == VF_CONTROL)
        answer_commands();
}

unsigned vf_fetch(unsigned queue, unsigned count)
{
    unsigned nr = 0;

    while (nr < count && queues[queue].nr_chains < VF_RING_SIZE) {
        int got =
            vringd_pop(&queues[queue].ring, &queues[queue].chains[queues[queue].nr_chains]);

        CHECK(got >= 0);
        if (!got)
            break;
        queues[queue].nr_chains++;
        nr++;
    }
    return nr;
}

static void note_dirty(uint64_t phys)
{
    uint64_t start = le_load(vf.lm + LM_LOG_START, 8), end = le_load(vf.lm + LM_LOG_END, 8);
    uint64_t byte = start + (phys >> PAGE_SHIFT) / 8;

    if (le_load(vf.lm + LM_CONTROL, 4) == LM_CONTROL_VF && byte < end)
        *(uint8_t *)shim_phys(byte) |= (uint8_t)(1 << (phys >> PAGE_SHIFT) % 8);
}

/* A header and a frame with the next number, in one piece as the driver offers them. */
static uint32_t write_frame(const struct vringd_chain *chain)
{
    uint8_t *bytes = shim_phys(chain->pieces[0].phys);

    CHECK(chain->in && chain->pieces[0].length >= NET_HEADER_BYTES + FRAME_BYTES);
    memset(bytes, 0, NET_HEADER_BYTES);
    le_store(bytes + offsetof(struct net_header, num_buffers), 2, 1);
    memset(bytes + NET_HEADER_BYTES, (int)next_received++, FRAME_BYTES);
    note_dirty(chain->pieces[0].phys);
    return NET_HEADER_BYTES + FRAME_BYTES;
}

/* The last byte of a frame is its number. */
static uint32_t send_frame(const struct vringd_chain *chain)
{
    const struct virtio_sg *last = &chain->pieces[chain->out - 1];
    unsigned number = *(uint8_t *)shim_phys(last->phys + last->length - 1);

    vf.sent[number]++;
    vf.misplaced += number != next_sent++ % VF_FRAMES;
    return 0;
}

unsigned vf_complete(unsigned queue, unsigned count)
{
    unsigned nr = 0;

    for (; nr < count && queues[queue].nr_chains; nr++) {
        unsigned at = vf.out_of_order ? --queues[queue].nr_chains : 0;
        struct vringd_chain chain = queues[queue].chains[at];

        if (!vf.out_of_order)
            memmove(queues[queue].chains, queues[queue].chains + 1,
                    --queues[queue].nr_chains * sizeof(chain));
        vringd_push(&queues[queue].ring, chain.head,
                    queue == VF_RX ? write_frame(&chain) : send_frame(&chain));
    }
    return nr;
}

void vf_interrupt(unsigned queue)
{
    if (vringd_wants_interrupt(&queues[queue].ring))
        CHECK(model_raise(model.queues[queue].vector));
    shim_settle();
}

void vf_send_all(void)
{
    vf_fetch(VF_TX, VF_RING_SIZE);
    vf_complete(VF_TX, VF_RING_SIZE);
    vf_interrupt(VF_TX);
    shim_advance(5 * NS_PER_MS); /* finished frames are looked for by a timer */
}

static uint64_t lm_read(void *arg, uint64_t offset, unsigned width)
{
    (void)arg;
    CHECK(offset + width <= sizeof(vf.lm) && width == 4);
    return le_load(vf.lm + offset, width);
}

static void lm_write(void *arg, uint64_t offset, unsigned width, uint64_t value)
{
    (void)arg;
    CHECK(offset + width <= sizeof(vf.lm) && width == 4);
    for (unsigned i = 0; i < PCI_QUEUES; i++) /* a state goes in before the queue lives */
        CHECK(vf.lm + offset != state_of(i) || !model.queues[i].enabled);
    le_store(vf.lm + offset, width, value);
}

void vf_create(void)
{
    static const struct pci_model_ops ops = {vf_reset, queue_start, queue_stop, queue_stopped,
                                             notified};
    static const struct shim_mmio lm = {lm_read, lm_write};
    static const uint8_t config[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56, NET_STATUS_LINK_UP};

    model_create_as(0x1041, 0);
    fake_put16(model.fn, PCI_SUBSYSTEM, 0x8086);
    fake_put16(model.fn, PCI_SUBSYSTEM + 2, 0x001a);
    fake_bar(model.fn, IFCVF_LM_BAR, VF_LM_PHYS, VF_LM_SIZE, false);
    shim_mmio_register(VF_LM_PHYS, VF_LM_SIZE, &lm, NULL);
    model.ops = &ops;
    memcpy(model.config, config, sizeof(config));
    model.offered.word[0] |= FEATURE(NET_F_MAC) | FEATURE(NET_F_STATUS) |
                             FEATURE(NET_F_MRG_RXBUF) | FEATURE(VIRTIO_F_ACCESS_PLATFORM) |
                             FEATURE(VIRTIO_F_ORDER_PLATFORM);
    vf.both_indices = true;
    vf.stride = 64;
}

/* ---- the user of the network device ---- */

static void receive(void *arg, unsigned queue, struct netdev_buffer *frames)
{
    (void)arg;
    (void)queue;
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        CHECK_EQ(frames->frame_length, FRAME_BYTES);
        vf.received[frames->data[0]]++;
        netdev_release_frame(frames);
        frames = next;
    }
}

static void completed(void *arg, unsigned queue, void *token)
{
    (void)arg;
    (void)queue;
    vf.completed[(uintptr_t)token - 1]++;
}

struct net *vf_net(void)
{
    return ((struct pci_transport *)pci_nth(0)->driver_data)->dev.driver_data;
}

struct virtio_device *vf_start(void)
{
    static const struct netdev_upcalls upcalls = {.receive = receive, .completed = completed};
    struct virtio_device *dev;

    shim_boot(64 * MIB);
    dev = model_scan();
    if (dev && dev->live) {
        CHECK_EQ(netdev_open(&vf_net()->netdev, &upcalls, NULL), 0);
        shim_settle();
    }
    return dev;
}

/* In memory that is never freed; its token is its number and 1. */
int vf_send(unsigned number)
{
    static struct page *pages[VF_FRAMES];
    struct netdev_piece piece;
    struct netdev_tx tx = {.pieces = &piece,
                           .nr_pieces = 1,
                           .headroom = HEADROOM,
                           .token = (void *)(uintptr_t)(number + 1)};

    if (!pages[number])
        pages[number] = alloc_pages(0, PAGE_KERNEL, 0);
    CHECK(pages[number] != NULL);
    memset((uint8_t *)page_to_virt(pages[number]) + HEADROOM, (int)number, FRAME_BYTES);
    piece = (struct netdev_piece){page_to_phys(pages[number]) + HEADROOM, FRAME_BYTES};
    return netdev_transmit(&vf_net()->netdev, 0, &tx, false);
}

int vf_keep(void)
{
    char command[] = "reset", name[] = "net0", word[] = "keep";
    char *argv[] = {command, name, word};
    int error = run_words(3, argv);

    shim_settle();
    return error;
}
