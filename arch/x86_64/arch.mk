# SPDX-License-Identifier: BSD-2-Clause
# What the build needs to know about x86_64.

NEWLIB_TARGET := x86_64-elf
CC    := gcc
LD    := ld
NM    := nm
STRIP := strip

# Folders of drivers/ that need hardware which only some architectures have.
ARCH_DRIVER_DIRS  := drivers/pci
# How virtio devices are reached: the files of drivers/virtio that begin with this.
VIRTIO_TRANSPORTS := pci mmio

ARCH_CFLAGS        := -m64 -march=x86-64 -mno-red-zone -mcmodel=kernel -fno-pic -fno-pie \
                      -fcf-protection=none -mstack-protector-guard=global
# Interrupts do not save vector registers, so nothing that may run there uses them.
ARCH_KERNEL_CFLAGS := -mgeneral-regs-only
