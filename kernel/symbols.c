/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking functions up by address, for backtraces.
 *
 * The table is sorted by address: offsets from the start of the code, and the names one after
 * the other in the same order, each ended by a zero byte. Looking up walks the names: it costs
 * no memory, and only people wait for it.
 */
#include <neap/compiler.h>
#include <neap/sections.h>
#include <neap/symbols.h>
#include <string.h>

/*
 * Empty tables for the first link, which tells the addresses; tools/build/symbols.py makes the
 * strong ones. Sizes are hidden from the compiler, so that it does not fold these values.
 */
extern const uint32_t ksyms_count;
extern const uint32_t ksyms_offsets[];
extern const char ksyms_names[];
const uint32_t ksyms_count __attribute__((weak)) = 0;
const uint32_t ksyms_offsets[1] __attribute__((weak)) = {0};
const char ksyms_names[1] __attribute__((weak)) = {0};

unsigned symbol_count(void)
{
    return READ_ONCE(ksyms_count);
}

const char *symbol_lookup(uintptr_t address, uintptr_t *offset)
{
    const volatile uint32_t *offsets = ksyms_offsets;
    unsigned low = 0, high = symbol_count();
    const char *name = ksyms_names;
    uint32_t wanted;

    if (high == 0 || address < (uintptr_t)__text_start || address >= (uintptr_t)__text_end)
        return NULL;
    wanted = (uint32_t)(address - (uintptr_t)__text_start);
    if (wanted < offsets[0])
        return NULL;
    /* The last symbol at or below the address. */
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;

        if (offsets[middle] <= wanted)
            low = middle;
        else
            high = middle;
    }
    for (unsigned i = 0; i < low; i++)
        name += strlen(name) + 1;
    if (offset)
        *offset = wanted - offsets[low];
    return name;
}
