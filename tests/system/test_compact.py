# SPDX-License-Identifier: BSD-2-Clause
"""An idle guest puts its free memory together and gives it to the host, without being asked."""

import pytest
from harness import wait_for
from harness.elastic import Elastic, check_elastic, settle

MIB = 1 << 20
BIG = 512 * MIB
# Less than 4 MiB is left alone; each 128 MiB keep their frame array in a pageblock that is never free as a whole.
PIECES = 4 * MIB + 8 * 2 * MIB


@pytest.mark.parametrize("elastic, keep", [(False, 10), (True, 10), (True, 2), (True, 512)],
                         ids=["boot memory", "elastic", "every second page", "one in 512"])
def test_fragments_reach_the_host(boot, elastic, keep):
    """One page in n is kept: all the rest goes to the host, and the contents survive."""
    devices = [Elastic(1024 * MIB)] if elastic else []
    guest = boot(memory="128M" if elastic else "1G", cpus=1, elastic=devices)
    if elastic:
        settle(guest, 1024 * MIB)
    guest.shell.run(f"alloc {BIG // MIB}M")
    before = guest.process_rss()
    assert before >= BIG
    guest.shell.run(f"thin 1 {keep}")
    gone = BIG - BIG // keep - 32 * MIB
    wait_for(lambda: guest.process_rss() <= before - gone, f"{gone // MIB} MiB are the host's")
    wait_for(lambda: guest.shell.machine("mem")["in_pieces"] < PIECES, "free memory is whole")
    state = guest.shell.machine("mem")
    assert 0 < state["compacted_bytes"] <= BIG // keep + 16 * MIB
    if elastic:
        check_elastic(guest)
    assert "holds" not in guest.shell.run("free 1")


def test_dense_memory_stays(boot):
    """Nothing is moved for a few holes, nor in a guest that does nothing."""
    guest = boot(memory="512M")
    guest.shell.run("alloc 256M")
    guest.shell.run("alloc 1M")
    guest.shell.run("free 2")
    guest.shell.run("reporting flush")
    assert guest.shell.machine("mem")["compacted_bytes"] == 0
