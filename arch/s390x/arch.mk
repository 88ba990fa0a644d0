# SPDX-License-Identifier: BSD-2-Clause
# What the build needs to know about s390x.

NEWLIB_TARGET := s390x-elf
CROSS_COMPILE ?= s390x-linux-gnu-
CC    := $(CROSS_COMPILE)gcc
LD    := $(CROSS_COMPILE)ld
NM    := $(CROSS_COMPILE)nm
STRIP := $(CROSS_COMPILE)strip

# Folders of drivers/ that need hardware which only some architectures have.
ARCH_DRIVER_DIRS  := drivers/ccw
# How virtio devices are reached: the files of drivers/virtio that begin with this.
VIRTIO_TRANSPORTS := ccw

# Frames are found by the back chain, so no register needs to point at them. newlib has no
# 128-bit long double.
ARCH_CFLAGS        := -m64 -march=z10 -mtune=z13 -mbackchain -fomit-frame-pointer -fno-pic -fno-pie \
                      -mlong-double-64
# Interrupts do not save floating-point registers, so nothing that may run there uses them.
ARCH_KERNEL_CFLAGS := -msoft-float
