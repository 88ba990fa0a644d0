# SPDX-License-Identifier: BSD-2-Clause
# Unit tests: kernel code compiled for the host, with sanitizers and coverage counters.
# A suite is a folder tests/unit/<suite>/; UNIT_CODE_<suite> names the kernel code under test.
# Programs: build/unit/<suite>; objects and coverage data: build/unit/obj/<suite>/.

UNIT_CC     ?= gcc
UNIT_BUILD  ?= build/unit
# UNIT_ARCH=s390x builds for that CPU (UNIT_CC its compiler) programs that qemu-s390x runs.
UNIT_ARCH   ?= x86_64
UNIT_SHIM   := $(filter-out tests/unit/shim/host_%,$(wildcard tests/unit/shim/*.c)) tests/unit/shim/host_$(UNIT_ARCH).c
UNIT_SUITES ?= mm virtio

UNIT_CODE_mm     := $(wildcard mm/*.c)
UNIT_CODE_virtio := $(wildcard mm/*.c drivers/pci/*.c drivers/virtio/*.c)

comma := ,

# Further suites bring a suite.mk that extends UNIT_SUITES and names their code.
-include $(wildcard tests/unit/*/suite.mk)

# Sanitizers add branches of their own to what gcov counts: coverage is measured on programs built
# with UNIT_SANITIZE= in a folder of their own (target unit-coverage).
UNIT_SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all

# The C library's start-up code has a __data_start of its own.
UNIT_CFLAGS := -D__data_start=shim_data_start -std=gnu11 -D_GNU_SOURCE -DNEAP_DEBUG -O1 -g -fno-omit-frame-pointer \
	-Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wvla \
	$(UNIT_SANITIZE) --coverage \
	-Itests/unit/shim/include -Itests/unit/shim -Iinclude -MMD -MP
UNIT_LDFLAGS := $(UNIT_SANITIZE) --coverage -Wl,-T,tests/unit/shim/tables.ld

define unit_suite
UNIT_OBJECTS_$(1) := $$(patsubst %.c,$$(UNIT_BUILD)/obj/$(1)/%.o,$$(UNIT_CODE_$(1)) \
	$$(UNIT_SHIM) $$(wildcard tests/unit/$(1)/*.c))

$$(UNIT_BUILD)/obj/$(1)/%.o: %.c
	@mkdir -p $$(@D) && rm -f $$(@:.o=.gcda)
	$(Q)$$(UNIT_CC) $$(UNIT_CFLAGS) $$(UNIT_CFLAGS_$(1)) -c -o $$@ $$<

$$(UNIT_BUILD)/$(1): $$(UNIT_OBJECTS_$(1)) tests/unit/shim/tables.ld
	@mkdir -p $$(@D)
	$(Q)$$(UNIT_CC) -o $$@ $$(UNIT_OBJECTS_$(1)) $$(UNIT_LDFLAGS) $$(UNIT_LDFLAGS_$(1))

-include $$(UNIT_OBJECTS_$(1):.o=.d)
endef
$(foreach suite,$(UNIT_SUITES),$(eval $(call unit_suite,$(suite))))

.PHONY: unit-binaries
unit-binaries: $(addprefix $(UNIT_BUILD)/,$(UNIT_SUITES)) ## build the unit-test programs

# Branch coverage of the code under test, without assertions, which nothing may reach.
UNIT_GCOVR := gcovr -r . --branches --exclude-throw-branches --exclude-unreachable-branches \
	--exclude-branches-by-pattern '.*(ASSERT|panic)\(.*' --print-summary

.PHONY: unit-coverage
unit-coverage: ## run the unit tests without sanitizers and print the branch coverage
	$(Q)$(MAKE) --no-print-directory UNIT_BUILD=$(UNIT_BUILD)-coverage UNIT_SANITIZE= \
		$(addprefix $(UNIT_BUILD)-coverage/,mm virtio)
	$(Q)find $(UNIT_BUILD)-coverage -name '*.gcda' -delete
	$(Q)for suite in mm virtio; do $(UNIT_BUILD)-coverage/$$suite > $(UNIT_BUILD)-coverage/$$suite.tap || exit 1; done
	$(Q)$(UNIT_GCOVR) -f 'mm/.*' $(UNIT_BUILD)-coverage/obj/mm
	$(Q)$(UNIT_GCOVR) -f 'drivers/virtio/.*' $(UNIT_BUILD)-coverage/obj/virtio
