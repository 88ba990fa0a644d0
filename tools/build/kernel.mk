# SPDX-License-Identifier: BSD-2-Clause
# Rules that turn the source folders into one image. Included by the top Makefile.

include arch/$(ARCH)/arch.mk

NEWLIB  := $(shell tools/build/newlib $(ARCH))
GCC_INC := $(shell $(CC) -print-file-name=include)
ifeq ($(NEWLIB),)
$(error newlib is not available: run tools/build/newlib $(ARCH) to see why)
endif
NEWLIB_INC := $(NEWLIB)/$(NEWLIB_TARGET)/include
NEWLIB_LIB := $(NEWLIB)/$(NEWLIB_TARGET)/lib
MIMALLOC   := $(shell tools/build/mimalloc $(ARCH))
ifeq ($(MIMALLOC),)
$(error mimalloc is not available: run tools/build/mimalloc $(ARCH) to see why)
endif

# What an application wants beside the C library; apps/<app>/app.mk may set:
#   NETWORK := 1      the network stack and sockets
#   APP_SOURCES := .. its files, when they are not just those of its own folder
NETWORK     :=
APP_SOURCES := $(wildcard apps/$(APP)/*.c)
-include apps/$(APP)/app.mk

# Every folder of the house that goes into the image; all its sources do.
KERNEL_DIRS := arch/$(ARCH) mm kernel kernel/shell $(ARCH_DRIVER_DIRS) drivers/net drivers/block drivers/virtio tests/guest
LIBC_DIRS   := libc

sources = $(foreach dir,$(1),$(wildcard $(dir)/*.c $(dir)/*.S $(dir)/*.asm))
objects = $(patsubst %,$(BUILD)/obj/%.o,$(call sources,$(1)))

# A file with a value in it, which changes when the value does: to depend on.
remember = $(shell mkdir -p $(dir $(1)); echo '$(2)' | cmp -s - $(1) || echo '$(2)' > $(1))

# An application without the network has the drivers, not the stack.
ifeq ($(NETWORK),1)
LWIP := $(shell tools/build/lwip $(ARCH))
ifeq ($(LWIP),)
$(error lwIP is not available: run tools/build/lwip $(ARCH) to see why)
endif
KERNEL_DIRS += net
LIBC_DIRS   += libc/net
LIBRARIES   += $(LWIP)/lib/liblwip.a
LWIP_FILE   := $(BUILD)/lwip
$(call remember,$(LWIP_FILE),$(LWIP))
else
NOT_IN_IMAGE := $(BUILD)/obj/tests/guest/socket%
endif
NOT_IN_IMAGE += $(foreach transport,$(filter-out $(VIRTIO_TRANSPORTS),pci ccw mmio),$(BUILD)/obj/drivers/virtio/$(transport)_%)
NOT_IN_IMAGE += $(if $(filter pci,$(VIRTIO_TRANSPORTS)),,$(BUILD)/obj/drivers/virtio/ifcvf%)

KERNEL_OBJS := $(filter-out $(NOT_IN_IMAGE),$(call objects,$(KERNEL_DIRS)))
APP_OBJS    := $(call objects,$(LIBC_DIRS)) $(patsubst %,$(BUILD)/obj/%.o,$(APP_SOURCES))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wvla
CPPFLAGS := -nostdinc -isystem $(NEWLIB_INC) -isystem $(GCC_INC) -U__linux__ -Ulinux \
            -U__linux -U__unix__ -Uunix -U__unix -U__gnu_linux__ \
            -D__DYNAMIC_REENT__ -DFD_SETSIZE=1024 \
            $(if $(filter 1,$(DEBUG)),-DNEAP_DEBUG)
CFLAGS   := -std=gnu11 -O2 -g -ffreestanding -fno-omit-frame-pointer -ffunction-sections \
            -fdata-sections -fno-common -fno-asynchronous-unwind-tables \
            -fno-tree-vectorize -fstack-protector-strong \
            -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(CURDIR)/= $(WARNINGS) $(ARCH_CFLAGS)
LDFLAGS  := -nostdlib -static --gc-sections -z noexecstack -z max-page-size=4096 \
            --build-id=none --no-warn-rwx-segments

$(KERNEL_OBJS): CFLAGS += $(ARCH_KERNEL_CFLAGS)

# The kernel's headers are not for applications.
$(KERNEL_OBJS) $(call objects,$(LIBC_DIRS)): CPPFLAGS += -Iinclude -Iarch/$(ARCH)/include

# lwIP's options are among its headers, which the compiler calls the system's and does not list.
LWIP_USERS := $(call objects,net libc/net) $(BUILD)/obj/tests/guest/socket_burst.c.o
$(LWIP_USERS): CPPFLAGS += -Inet/lwip -isystem $(LWIP)/include
$(LWIP_USERS): $(LWIP_FILE)

# What applications include beside newlib's headers; the self-tests try it out.
$(APP_OBJS) $(call objects,tests/guest): CPPFLAGS += -Ilibc/include
$(call objects,libc): CPPFLAGS += -isystem $(MIMALLOC)/include

# A change of flags rebuilds what depends on them.
FLAGS_FILE := $(BUILD)/flags
FLAGS_NOW  := $(CC) $(MIMALLOC) $(CPPFLAGS) $(CFLAGS) $(ARCH_KERNEL_CFLAGS) $(LDFLAGS)
$(call remember,$(FLAGS_FILE),$(FLAGS_NOW))

say = @printf '  %-5s %s\n' $(1) $(2)

$(BUILD)/obj/%.c.o: %.c $(FLAGS_FILE)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.S.o: %.S $(FLAGS_FILE)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ARCH_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@

$(BUILD)/obj/%.asm.o: %.asm $(FLAGS_FILE)
	$(call say,NASM,$<)
	@mkdir -p $(@D)
	$(Q)nasm -f elf64 --reproducible -Werror -i $(<D)/ -MD $(@:.o=.d) -MP -o $@ $<

# The image is linked twice: the second time with the symbol table of the first, which lies
# behind all code, so that no function moves.
SCRIPT := boot/$(ARCH).lds
LINK    = $(LD) $(LDFLAGS) -T $(SCRIPT) $(KERNEL_OBJS) $(APP_OBJS) \
          --start-group $(LIBRARIES) $(MIMALLOC)/lib/libmimalloc.a $(NEWLIB_LIB)/libc.a \
          $(NEWLIB_LIB)/libm.a --end-group

$(BUILD)/neap-$(APP).pass1: $(KERNEL_OBJS) $(APP_OBJS) $(SCRIPT) $(FLAGS_FILE) $(LWIP_FILE)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@

$(BUILD)/neap-$(APP).ksyms.S: $(BUILD)/neap-$(APP).pass1 tools/build/symbols.py
	$(Q)$(NM) -n $< | python3 tools/build/symbols.py > $@

$(BUILD)/neap-$(APP).ksyms.o: $(BUILD)/neap-$(APP).ksyms.S
	$(Q)$(CC) -c $< -o $@

$(ELF): $(BUILD)/neap-$(APP).ksyms.o
	$(call say,LD,$@)
	$(Q)$(LINK) $< -o $@.tmp
	$(Q)$(NM) -n $(BUILD)/neap-$(APP).pass1 | grep -i ' t ' > $(BUILD)/text.pass1
	$(Q)$(NM) -n $@.tmp | grep -i ' t ' | cmp - $(BUILD)/text.pass1
	$(Q)$(STRIP) -g -o $@.stripped $@.tmp && $(STRIP) -s $@.stripped
	$(Q)mv $@.tmp $@

# The ISO has the kernel's command line in it.
APPEND_FILE := $(BUILD)/neap-$(APP).append
$(call remember,$(APPEND_FILE),$(APPEND))

$(ISO): $(ELF) boot/mkiso boot/grub.cfg $(APPEND_FILE)
	$(call say,ISO,$@)
	$(Q)boot/mkiso $(ELF).stripped $@ "$(APPEND)"

# Compile one folder's objects only: make check-objects DIR=mm
.PHONY: check-objects
check-objects: $(call objects,$(DIR))

-include $(patsubst %.o,%.d,$(KERNEL_OBJS) $(APP_OBJS))
