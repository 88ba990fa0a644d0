# SPDX-License-Identifier: BSD-2-Clause
"""Moving a guest from one QEMU to another."""

from . import wait_for
from .qemu import accelerator


def move(guest, copy, uri):
    """Move a guest to `copy`, which waits for it at `uri`, and let it run there.

    It runs meanwhile only under KVM. TCG loses writes then: before QEMU 9.0 those through a TLB
    entry from before the dirty bits were read, from then on to every RAM block but the first
    (tlb_reset_dirty_range_all() gets the offset in the block, and aborts if the block is larger).
    """
    if accelerator() == "tcg":
        guest.qmp("stop")
    guest.qmp("migrate-set-parameters", max_bandwidth=1 << 40)
    guest.qmp("migrate", uri=uri)
    wait_for(lambda: guest.qmp("query-migrate")["status"] in ("completed", "failed"), "migration")
    assert guest.qmp("query-migrate")["status"] == "completed"
    wait_for(lambda: copy.qmp("query-status")["status"] in ("running", "paused"), "the copy")
    copy.qmp("cont")
