# SPDX-License-Identifier: BSD-2-Clause
# neap: one kernel image per application. `make help` explains every target.

ARCH  ?= x86_64
APP   ?= shell
DEBUG ?= 0
V     ?= 0

FLAVOUR := $(ARCH)$(if $(filter 1,$(DEBUG)),-debug)
BUILD   := build/$(FLAVOUR)
ELF     := $(BUILD)/neap-$(APP).elf
ISO     := $(BUILD)/neap-$(APP).iso
Q       := $(if $(filter 1,$(V)),,@)

# What belongs to one architecture: media to boot from, packages.
MEDIA    := $(if $(filter x86_64,$(ARCH)),iso)
PACKAGES := build run test $(filter s390x,$(ARCH))

# Goals that only need the tree itself.
LIGHT_GOALS := help clean lint conformance mutants install bench patches test test-host test-kvm unit run host install-host build/host/neap fuzz prove build/fuzz/%
.DEFAULT_GOAL := all

.PHONY: all iso run test test-host test-kvm unit guest system fuzz prove lint conformance mutants bench patches install clean help
all: $(ELF)
iso: $(ISO)

ifneq ($(filter-out $(LIGHT_GOALS),$(or $(MAKECMDGOALS),all)),)
include tools/build/kernel.mk
endif
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include tools/neap/neap.mk

install: ## install the Debian packages that are missing (asks before sudo)
	$(Q)tools/install $(PACKAGES)

# What `make run` shows, unless APP= says otherwise: the shell with the services beside it.
RUN_APP := $(if $(filter file,$(origin APP)),full,$(APP))

run: install ## build and boot a guest that serves (ARCH=, APP=, BOOT=iso|direct, MEM=, SMP=, MACHINE=, APPEND=, FORWARD=)
	$(Q)$(MAKE) --no-print-directory APP=$(RUN_APP) all $(MEDIA)
	$(Q)tools/run --arch $(ARCH) --app $(RUN_APP) --elf $(BUILD)/neap-$(RUN_APP).elf --iso $(BUILD)/neap-$(RUN_APP).iso

test: install ## set everything up and run all tests (ARCH=, QEMU=new: on the newest QEMU, FUZZ_RUNS=)
	$(Q)ARCH=$(ARCH) tests/run

unit: install ## the unit tests only: mm/ and drivers/ natively, with sanitizers
	$(Q)tests/run unit

guest: install ## the self-tests inside the booted kernel only
	$(Q)ARCH=$(ARCH) tests/run guest

system: install ## the tests that drive QEMU from outside only
	$(Q)ARCH=$(ARCH) tests/run system

fuzz: install ## five minutes of hostile input for each fuzz target (FUZZ_SECONDS=, TARGETS="rings net")
	$(Q)$(MAKE) --no-print-directory $(addprefix build/fuzz/,$(or $(TARGETS),$(FUZZ_TARGETS)))
	$(Q)tests/fuzz/run --seconds $(or $(FUZZ_SECONDS),300) $(TARGETS)

prove: install ## prove with CBMC what tests/prove/*.c claim, some minutes (PROOFS="split packed")
	$(Q)tests/prove/run $(PROOFS)

lint: install ## format, static analysis, spelling, names in comments
	$(Q)tests/run lint

conformance: ## which driver requirements of virtio 1.4 are met, and by which tests; part of lint
	$(Q)tools/lint/conformance

mutants: install ## damage the tree on purpose and see each test fail (MUTANTS=pattern)
	$(Q)tests/mutants/run $(MUTANTS)

bench: install ## neap beside a Linux guest: ratios in build/bench/*.tsv, pictures beside them
	$(Q)tools/install bench
	$(Q)tools/bench/run

patches: ## kernel patch series: apply, check, build for every architecture, prove (SERIES="04 12")
	$(Q)tools/install patches
	$(Q)tools/hostkernel/run check $(SERIES)

test-host: install ## emulated KVM hosts: the selftests of the series, neap as a guest under KVM (PARTS="selftests")
	$(Q)tools/install patches host
	$(Q)for app in shell full; do $(MAKE) --no-print-directory APP=$$app all || exit; done
	$(Q)tests/host/run $(PARTS)

test-kvm: install ## the system tests on hardware virtualization, or why they are skipped
	$(Q)tests/host/test-kvm

clean: ## remove build/
	$(Q)rm -rf build

help: ## this text
	@echo "Targets:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile tools/neap/neap.mk | sort | expand -t 16
	@echo "  all           build/<arch>/neap-<app>.elf"
	@echo "  iso           build/<arch>/neap-<app>.iso"
	@echo "Variables: ARCH=$(ARCH) APP=$(APP) DEBUG=0|1 V=0|1 SMP= MEM= MACHINE= BOOT= APPEND="
