/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side of the memory device.
 */
#include "fake_mem.h"
#include <neap/endian.h>
#include <stdlib.h>
#include <string.h>

#define QEMU_USABLE_EXTENT (256 * MIB)

struct fake_mem mem_hosts[MEM_HOSTS];

void mem_host_config(struct fake_mem *host, unsigned offset, uint64_t value)
{
    le_store(host->fake->config + offset, sizeof(value), value);
}

void mem_host_update(struct fake_mem *host)
{
    if (host->grows)
        host->usable =
            MAX(host->usable,
                MIN(ALIGN_UP(host->requested + QEMU_USABLE_EXTENT, host->block), host->size));
    mem_host_config(host, VMEM_CONFIG_BLOCK, host->block);
    mem_host_config(host, VMEM_CONFIG_NODE, 7);
    mem_host_config(host, VMEM_CONFIG_ADDRESS, host->start);
    mem_host_config(host, VMEM_CONFIG_REGION, host->size);
    mem_host_config(host, VMEM_CONFIG_USABLE, host->usable);
    mem_host_config(host, VMEM_CONFIG_PLUGGED, host->plugged + host->plugged_shown);
    mem_host_config(host, VMEM_CONFIG_REQUESTED, host->requested);
    host->fake->generation++;
}

/* What was plugged just now may hold anything (MEM-012). */
static void scribble(const struct fake_mem *host, uint64_t first, uint64_t nr)
{
    if (host->scribbles)
        memset(shim_phys(host->start + first * host->block), 0x5a, nr * host->block);
}

static void set_blocks(struct fake_mem *host, uint64_t first, uint64_t nr, bool plugged)
{
    memset(host->blocks + first, plugged, nr);
    if (plugged) {
        /* MEM-006 to -010: nobody was there while it was not. */
        CHECK_EQ(shim_backed(host->start + first * host->block, nr * host->block), 0);
        host->plugged += nr * host->block;
        scribble(host, first, nr);
    } else {
        host->plugged -= nr * host->block;
        shim_discard(host->start + first * host->block, nr * host->block);
    }
    mem_host_update(host);
}

static uint64_t count_plugged(const struct fake_mem *host, uint64_t first, uint64_t nr)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < nr; i++)
        count += host->blocks[first + i];
    return count;
}

/* MEM-011; and never more than asked. */
static void check_unplug(const struct fake_mem *host, uint64_t first, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++)
        CHECK(!fake_elastic_uses(host->start + (first + i) * host->block));
    if (!host->relaxed)
        CHECK(host->plugged >= ALIGN_DOWN(host->requested, host->block) + nr * host->block);
}

static unsigned serve_plug(struct fake_mem *host, uint64_t first, uint64_t nr)
{
    if (count_plugged(host, first, nr))
        return VMEM_ERROR;
    if (host->plugged + nr * host->block > host->requested)
        return VMEM_NACK;
    set_blocks(host, first, nr, true);
    return VMEM_ACK;
}

static unsigned serve_unplug(struct fake_mem *host, uint64_t first, uint64_t nr)
{
    if (count_plugged(host, first, nr) != nr)
        return VMEM_ERROR;
    set_blocks(host, first, nr, false);
    return VMEM_ACK;
}

static unsigned serve_unplug_all(struct fake_mem *host)
{
    for (unsigned i = 0; i < host->size / host->block; i++)
        CHECK(!fake_elastic_uses(host->start + i * host->block));
    memset(host->blocks, 0, host->size / host->block);
    host->plugged = 0;
    shim_discard(host->start, host->size);
    if (host->grows)
        host->usable = 0;
    mem_host_update(host);
    return VMEM_ACK;
}

static unsigned state_of(const struct fake_mem *host, uint64_t first, uint64_t nr)
{
    uint64_t count = count_plugged(host, first, nr);

    return count == nr ? VMEM_PLUGGED : count ? VMEM_MIXED : VMEM_UNPLUGGED;
}

struct job {
    struct fake_mem *host;
    const struct vmem_request *request;
    struct vmem_response *response;
    enum vmem_request_type type;
    uint64_t first, nr;
    bool in_range;
};

/* What the device does when it does what it should. */
static unsigned serve_honestly(const struct job *job)
{
    if (job->type == VMEM_UNPLUG_ALL)
        return serve_unplug_all(job->host);
    if (!job->in_range)
        return VMEM_ERROR;
    if (job->type == VMEM_PLUG)
        return serve_plug(job->host, job->first, job->nr);
    if (job->type == VMEM_UNPLUG)
        return serve_unplug(job->host, job->first, job->nr);
    job->response->state = le16((uint16_t)state_of(job->host, job->first, job->nr));
    return VMEM_ACK;
}

static void answer(const struct job *job, unsigned type)
{
    job->response->type = le16((uint16_t)type);
}

#define HONEST  0xfffe /* what the request deserves */
#define SILENCE UINT32_MAX

static const struct {
    bool done; /* the request is carried out */
    uint16_t type;
    uint32_t length;
} lies[LIES] = {
    [LIE_NONE] = {true, HONEST, 10},
    [LIE_BUSY] = {false, VMEM_BUSY, 10},
    [LIE_NACK] = {false, VMEM_NACK, 10},
    [LIE_ERROR] = {false, VMEM_ERROR, 10},
    [LIE_UNKNOWN_TYPE] = {false, 4, 10},
    [LIE_NO_BYTES] = {false, VMEM_ACK, 0},
    [LIE_ONE_BYTE] = {false, VMEM_ACK, 1},
    [LIE_SHORT] = {true, HONEST, 9},
    [LIE_UNWRITTEN] = {false, 0xffff, 10},
    [LIE_STATE] = {true, HONEST, 10},
    [LIE_MIXED] = {true, HONEST, 10},
    [LIE_BAD_STATE] = {true, HONEST, 10},
    [LIE_NOT_DONE] = {false, VMEM_ACK, 10},
    [LIE_SILENT] = {false, VMEM_ACK, SILENCE},
    [LIE_SILENT_DONE] = {true, HONEST, SILENCE},
    [LIE_ERROR_DONE] = {true, VMEM_ERROR, 10},
    [LIE_TOO_LONG] = {true, HONEST, 100},
    [LIE_BAD_ID] = {true, HONEST, 10},
    [LIE_HALF] = {true, HONEST, 10},
};

/* Serve a request and answer it, maybe wrongly; returns the used length, or SILENCE. */
static uint32_t serve_one(struct job *job, enum fake_mem_lie kind)
{
    unsigned type = lies[kind].type;

    if (kind == LIE_HALF)
        job->nr = (job->nr + 1) / 2;
    if (lies[kind].done) {
        unsigned honest = serve_honestly(job);

        type = type == HONEST ? honest : type;
    }
    if (kind == LIE_STATE)
        job->response->state ^= le16(1);
    if (kind == LIE_MIXED)
        job->response->state = le16(VMEM_MIXED);
    if (kind == LIE_BAD_STATE)
        job->response->state = le16(VMEM_MIXED + 1);
    answer(job, type);
    return lies[kind].length;
}

static struct job parse(struct fake_mem *host, const struct vringd_chain *chain)
{
    struct job job = {.host = host};

    CHECK_EQ(chain->out, 1);
    CHECK_EQ(chain->in, 1);
    CHECK_EQ(chain->pieces[0].length, 24);
    CHECK_EQ(chain->pieces[1].length, 10);
    job.request = shim_phys(chain->pieces[0].phys);
    job.response = shim_phys(chain->pieces[1].phys);
    CHECK(job.response->type == 0xffff && job.response->state == 0xffff);
    job.type = le16(job.request->type);
    CHECK(job.type < VMEM_REQUESTS);
    job.nr = le16(job.request->nr_blocks);
    if (job.type == VMEM_UNPLUG_ALL)
        return job;
    CHECK(job.nr > 0);
    CHECK_EQ(le64(job.request->address) % host->block, 0);
    job.first = (le64(job.request->address) - host->start) / host->block;
    job.in_range = job.first + job.nr <= host->usable / host->block;
    host->largest = MAX(host->largest, job.nr);
    return job;
}

static enum fake_mem_lie next_lie(struct fake_mem *host, enum vmem_request_type type)
{
    struct fake_mem_script *plan = &host->script[type];

    if (plan->after) {
        plan->after--;
        return LIE_NONE;
    }
    if (!plan->times)
        return LIE_NONE;
    plan->times--;
    return plan->lie;
}

static void serve(struct fake *fake, unsigned index)
{
    struct fake_mem *host = fake == mem_hosts[0].fake ? &mem_hosts[0] : &mem_hosts[1];
    struct vringd_chain chain;
    enum fake_mem_lie kind;
    struct job job;
    uint32_t length;

    if (!fake_pop(fake, index, &chain))
        return;
    job = parse(host, &chain);
    host->requests[job.type]++;
    if (job.type == VMEM_UNPLUG && job.in_range)
        check_unplug(host, job.first, job.nr);
    if (host->on_request)
        host->on_request(job.type);
    kind = next_lie(host, job.type);
    length = serve_one(&job, kind);
    if (length == SILENCE)
        return;
    vringd_push(&fake->queues[index].ring, kind == LIE_BAD_ID ? 999 : chain.head, length);
    CHECK_EQ(fake_pop(fake, index, &chain), 0); /* one at a time; also asks for the next kick */
    fake_interrupt(fake, index);
}

void mem_host_create(unsigned number, uint64_t features, uint64_t block, uint64_t start,
                     uint64_t size)
{
    struct fake_mem *host = &mem_hosts[number];

    host->fake = fake_create(VIRTIO_ID_MEM);
    host->fake->dev.name[4] = (char)('0' + number);
    host->fake->offered.word[0] |= features;
    host->fake->config_size = 56;
    host->fake->queues[0].max_size = 128;
    host->fake->queues[0].serve = serve;
    host->block = block;
    host->start = start;
    host->size = size;
    host->usable = size;
    host->blocks = calloc(size / block, 1);
    mem_host_update(host);
}

void mem_host_prepare(void)
{
    mem_host_create(0, 0, 2 * MIB, 4 * GIB, 128 * MIB);
    mem_host.relaxed = true;
    shim_boot(64 * MIB);
}

void mem_host_add(void)
{
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), 0);
    shim_settle();
}

void mem_host_reset(void)
{
    virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
    shim_settle();
}

void mem_host_start(uint64_t block, uint64_t nr)
{
    mem_host_create(0, FEATURE(VMEM_F_UNPLUGGED_INACCESSIBLE), block, ALIGN_UP(4 * GIB, block),
                    block * nr);
    shim_boot(64 * MIB);
    mem_host_add();
    CHECK(mem_host.fake->dev.live);
}

void mem_host_request(struct fake_mem *host, uint64_t bytes)
{
    host->requested = bytes;
    mem_host_update(host);
    fake_config_changed(host->fake);
}

void mem_host_resize(uint64_t bytes)
{
    mem_host_request(&mem_host, bytes);
    shim_settle();
}

void mem_host_plug(uint64_t first, uint64_t nr)
{
    set_blocks(&mem_host, first, nr, true);
}

void mem_host_lie(enum vmem_request_type type, enum fake_mem_lie kind, unsigned after,
                  unsigned times)
{
    mem_host.script[type] = (struct fake_mem_script){kind, after, times};
}

struct vmem *mem_host_vmem(void)
{
    return mem_host.fake->dev.driver_data;
}

uint64_t mem_host_answers(enum vmem_request_type type, enum vmem_answer kind)
{
    return mem_host_vmem()->count[type][kind];
}

void mem_host_check(uint64_t bytes)
{
    for (uint64_t i = 0; i < mem_host.size / mem_host.block; i++)
        CHECK_EQ(mem_host.blocks[i], fake_elastic_uses(mem_host.start + i * mem_host.block));
    CHECK_EQ(mem_host.plugged, bytes);
    CHECK_EQ(vmem_in_use(mem_host_vmem()), bytes);
    CHECK_EQ(fake_elastic_taken(), 0);
}
