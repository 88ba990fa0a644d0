/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's own symbol table (made by tools/build/symbols.py, linked into the image).
 */
#ifndef NEAP_SYMBOLS_H
#define NEAP_SYMBOLS_H

#include <stdint.h>

/* The number of known functions: 0 in an image linked without the table. Any context. */
unsigned symbol_count(void);

/*
 * The function that holds `address`: its name, and the offset into it through `offset`. NULL
 * when the address is in no known function. Any context.
 */
const char *symbol_lookup(uintptr_t address, uintptr_t *offset);

#endif
