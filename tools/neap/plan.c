/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest comes to a size. */
#include "plan.h"
#include "size.h"

int plan_size(const struct shape *shape, uint64_t size, struct plan *plan, struct error *error)
{
    uint64_t largest = shape->boot + shape->elastic;
    char wanted[SIZE_TEXT], most[SIZE_TEXT];

    size_format(wanted, size);
    size_format(most, largest);
    if (size == 0)
        return error_set(error, "no guest lives with no memory: give at least a few M");
    if (size > largest && shape->elastic == 0)
        return error_set(error,
                         "%s is more than the %s it was started with, and it has no "
                         "virtio-mem device: start it with --max %s",
                         wanted, most, wanted);
    if (size > largest)
        return error_set(error,
                         "%s is more than the guest can have, %s: start it with "
                         "--max %s to go further",
                         wanted, most, wanted);
    if (size > shape->boot) {
        plan->balloon = shape->boot;
        plan->requested = ALIGN_UP(size - shape->boot, shape->block);
    } else {
        plan->balloon = ALIGN_UP(size, BALLOON_PAGE);
        plan->requested = 0;
    }
    plan->size = plan->balloon + plan->requested;
    return 0;
}
