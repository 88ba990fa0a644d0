# SPDX-License-Identifier: BSD-2-Clause
# The memory device is tested against a scripted elastic memory (fake_elastic.c).
UNIT_CODE_virtio := $(filter-out mm/elastic%,$(UNIT_CODE_virtio)) $(wildcard drivers/net/*.c) \
	drivers/block/block.c kernel/random.c kernel/chacha.c kernel/jitter.c
