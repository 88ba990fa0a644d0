# SPDX-License-Identifier: BSD-2-Clause
# Fuzz targets: kernel code with libFuzzer around it (docs/testing.md). One file a target,
# tests/fuzz/<target>.c; FUZZ_CODE_<target> names what it is linked with.
# Programs: build/fuzz/<target>; objects, shared by all: build/fuzz/obj.

FUZZ_CC      ?= clang-14
FUZZ_BUILD   ?= build/fuzz
# Each has inputs that are kept.
FUZZ_TARGETS := $(sort $(notdir $(wildcard tests/fuzz/corpus/*)))

FUZZ_SHIM    := $(filter-out %/runner.c,$(UNIT_SHIM))
FUZZ_DEVICE  := $(filter-out drivers/virtio/ccw_%,$(UNIT_CODE_virtio)) $(FUZZ_SHIM) tests/fuzz/device.c tests/fuzz/unwatched.c \
	$(addprefix tests/unit/virtio/,fake.c fake_elastic.c kernel.c test_driver.c)
# No machine is needed around the services.
FUZZ_SERVICE := $(addprefix tests/unit/,shim/unit.c apps/client.c) apps/lib/dialog.c $(filter apps/cache/%,$(UNIT_CODE_apps))

FUZZ_CODE_acpi    := tests/unit/shim/unit.c $(wildcard arch/x86_64/acpi*.c)
FUZZ_CODE_balloon := $(FUZZ_DEVICE)
FUZZ_CODE_cache   := $(FUZZ_SERVICE)
FUZZ_CODE_cmdline := $(FUZZ_DEVICE)
FUZZ_CODE_http    := $(FUZZ_SERVICE) tests/unit/apps/page.c apps/httpd/request.c apps/httpd/httpd.c
FUZZ_CODE_mem     := $(FUZZ_DEVICE)
FUZZ_CODE_mmio    := $(FUZZ_DEVICE) tests/fuzz/transport.c
FUZZ_CODE_net     := $(FUZZ_DEVICE) $(addprefix tests/unit/virtio/,fake_net.c fake_net_user.c)
FUZZ_CODE_pci     := $(FUZZ_DEVICE) tests/fuzz/transport.c tests/unit/virtio/fake_pci.c
FUZZ_CODE_rings   := $(FUZZ_DEVICE)

# gcc has the last word on warnings; clang does not say by itself that there is a sanitizer.
FUZZ_CFLAGS := $(filter-out -O1 -fno-sanitize-recover=all -fsanitize=% --coverage -Werror,$(UNIT_CFLAGS)) -O2 -D__SANITIZE_ADDRESS__ \
	-Itests/fuzz -Itests/unit/virtio -Itests/unit/apps $(UNIT_CFLAGS_apps)

FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize-ignorelist=tests/fuzz/tables.ignore

# What is fuzzed tells libFuzzer which way it went; what only surrounds it would make that slow.
# Memory management surrounds the drivers: its own debug checks see more of its memory than a
# sanitizer does, and its unit tests have both.
FUZZ_GUIDES := drivers/% net/% apps/% arch/% tests/fuzz/cmdline.c
fuzz_flags   = $(if $(filter mm/%,$(1)),,$(FUZZ_SANITIZE)) $(if $(filter $(FUZZ_GUIDES),$(1)),-fsanitize=fuzzer-no-link)

$(FUZZ_BUILD)/obj/%.o: %.c tests/fuzz/fuzz.mk tests/fuzz/tables.ignore
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(call fuzz_flags,$<) -c -o $@ $<

define fuzz_target
FUZZ_OBJECTS_$(1) := $$(patsubst %.c,$$(FUZZ_BUILD)/obj/%.o,$$(sort $$(FUZZ_CODE_$(1)) tests/fuzz/fuzz.c tests/fuzz/$(1).c))

$$(FUZZ_BUILD)/$(1): $$(FUZZ_OBJECTS_$(1)) tests/unit/shim/tables.ld
	$(Q)$$(FUZZ_CC) -o $$@ $$(FUZZ_OBJECTS_$(1)) -fsanitize=fuzzer,address,undefined -Wl,-T,tests/unit/shim/tables.ld

-include $$(FUZZ_OBJECTS_$(1):.o=.d)
endef
$(foreach target,$(FUZZ_TARGETS),$(eval $(call fuzz_target,$(target))))
