# SPDX-License-Identifier: BSD-2-Clause
# The devices of tests/unit/virtio on all of mm/: nothing of elastic memory is scripted here.
UNIT_SUITES += storm
UNIT_CODE_storm := $(filter-out drivers/virtio/ccw_% drivers/virtio/rng.c drivers/virtio/blk.c,$(wildcard mm/*.c drivers/pci/*.c drivers/virtio/*.c drivers/net/*.c)) \
	$(addprefix tests/unit/virtio/,fake.c fake_balloon.c fake_mem.c kernel.c test_driver.c watch_ring.c watch_steps.c)
