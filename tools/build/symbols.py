#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turn `nm -n` of an image (stdin) into its symbol table (stdout, assembler).

The kernel's backtraces read it (kernel/symbols.c): ksyms_count, ksyms_offsets (32-bit offsets
from __text_start, rising) and ksyms_names (zero-terminated, in the same order).
"""
import re
import sys

# Suffixes that the compiler adds to parts and copies of a function.
COPY_SUFFIX = re.compile(r"\.(constprop|isra|part|cold|lto_priv)(\.\d+)*")


def read_functions(lines):
    """Returns ({address: name}, start of the code)."""
    functions = {}
    bounds = {}
    for line in lines:
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name in ("__text_start", "__text_end"):
            bounds[name] = address
        elif kind in "tTwW" and not name.startswith((".", "$")):
            name = COPY_SUFFIX.sub("", name)
            # Of several names for one place, a global one says most.
            if address not in functions or kind in "TW":
                functions[address] = name
    if len(bounds) != 2:
        sys.exit("symbols.py: __text_start or __text_end is missing from the image")
    start, end = bounds["__text_start"], bounds["__text_end"]
    inside = {a: n for a, n in functions.items() if start <= a < end}
    return inside, start


def main():
    functions, start = read_functions(sys.stdin)
    print('\t.section .ksyms, "a"')
    print("\t.globl ksyms_count, ksyms_offsets, ksyms_names")
    print("\t.balign 4")
    print("ksyms_count:\n\t.long %d" % len(functions))
    print("ksyms_offsets:")
    for address in sorted(functions):
        print("\t.long %#x" % (address - start))
    print("ksyms_names:")
    for address in sorted(functions):
        print('\t.asciz "%s"' % functions[address])
    print('\t.section .note.GNU-stack, "", %progbits')


if __name__ == "__main__":
    main()
