/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the linker put things (boot/<arch>.lds). Sections start on page boundaries.
 */
#ifndef NEAP_SECTIONS_H
#define NEAP_SECTIONS_H

extern char __image_start[], __image_end[];   /* everything, .bss included */
extern char __text_start[], __text_end[];     /* mapped read + execute */
extern char __rodata_start[], __rodata_end[]; /* mapped read only */
extern char __data_start[], __data_end[];     /* .data and .bss: read + write */

/*
 * Tables collected by LINKER_TABLE_ENTRY(name) lie between __table_<name>_start and
 * __table_<name>_end.
 */
#define LINKER_TABLE(type, table) \
    extern const type __table_##table##_start[], __table_##table##_end[]

#define LINKER_TABLE_FOR_EACH(pos, table) \
    for ((pos) = __table_##table##_start; (pos) < __table_##table##_end; (pos)++)

#endif
