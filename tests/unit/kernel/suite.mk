# SPDX-License-Identifier: BSD-2-Clause
# Pieces of kernel/ that need no machine. Those that the shim has its own version of are
# included by their test under other names. The shim brings the page allocator with it.
UNIT_SUITES += kernel
UNIT_CODE_kernel := $(wildcard mm/*.c) kernel/boot_memory.c kernel/boot_withhold.c \
	kernel/random.c kernel/chacha.c kernel/jitter.c
UNIT_CFLAGS_kernel := -I.
