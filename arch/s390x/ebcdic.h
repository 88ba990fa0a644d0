/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's console speaks EBCDIC (code page 500). */
#ifndef EBCDIC_H
#define EBCDIC_H

#include <stdint.h>

/* What has no like on the other side becomes a blank. Any context. */
uint8_t ebcdic_from_ascii(char c);
char ascii_from_ebcdic(uint8_t c);

#endif
