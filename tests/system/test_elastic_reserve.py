# SPDX-License-Identifier: BSD-2-Clause
"""Kernel memory beyond boot memory: claimed from a memory device, and all of it comes back."""

import pytest
from harness.elastic import GIB, MIB, Elastic, check_elastic, settle


@pytest.mark.parametrize("block, cpus", [(1 * MIB, 1), (2 * MIB, 4), (128 * MIB, 2)], ids=["1M", "2M", "128M"])
def test_kernel_reserve(boot, block, cpus):
    """200 MiB of kernel memory in a guest with 64 MiB of boot memory; then everything is unplugged."""
    guest = boot(memory="64M", cpus=cpus, elastic=[Elastic(GIB, block)])
    settle(guest, GIB)
    check_elastic(guest)
    for _ in range(2):
        output = guest.shell.run("test elastic_kernel_reserve")
        assert "pass:1 fail:0 skip:0" in output, output
    assert guest.shell.machine("mem")["kernel_reserve"] == 0
    settle(guest, 0)
    assert check_elastic(guest)["mem0.unmet_bytes"] == 0
