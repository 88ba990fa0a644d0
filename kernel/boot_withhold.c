/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot memory that is left alone on request: a device made of software plugs and unplugs it
 * later, as a host does with memory of its own.
 */
#include <arch/boot.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/page.h>

#define WITHHOLD_ALIGN (2 * MIB)

static uint64_t wanted;
static struct phys_range withheld;

static int set_withhold(const char *value)
{
    uint64_t bytes;
    int error = parse_size(value, &bytes);

    if (error)
        return error;
    if (bytes > UINT64_MAX - WITHHOLD_ALIGN)
        return -ERANGE;
    wanted = ALIGN_UP(bytes, WITHHOLD_ALIGN);
    return 0;
}
CMDLINE_KEY(withhold, "64M: so much boot memory is left alone, for loopback=mem", set_withhold);

/* From the highest range that has so much. */
void boot_memory_withhold(struct boot_info *info)
{
    char size[FORMAT_SIZE_MAX];

    for (unsigned i = info->nr_memory; i-- > 0 && wanted;) {
        uint64_t end = ALIGN_DOWN(info->memory[i].end, WITHHOLD_ALIGN);

        if (end < wanted || end - wanted < info->memory[i].start)
            continue;
        withheld = (struct phys_range){end - wanted, end};
        boot_memory_reserve(info, withheld.start, withheld.end);
        return;
    }
    if (wanted)
        log_warning("boot", "withhold: no memory range of %s: nothing is withheld",
                    format_size(size, wanted));
}

struct phys_range boot_memory_withheld(void)
{
    return withheld;
}
