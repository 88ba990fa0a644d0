# SPDX-License-Identifier: BSD-2-Clause
"""The QEMU command lines of the tests and the bench, without a QEMU."""

import pytest
from harness import qemu


@pytest.mark.parametrize("icount,accelerator", [(False, "kvm"), (True, "tcg")])
def test_accelerator(monkeypatch, icount, accelerator):
    """Where KVM can run a guest, it does, but for guests whose instructions are counted."""
    monkeypatch.setenv("QEMU", "false")
    monkeypatch.setattr(qemu, "accelerator", lambda: "kvm")
    with pytest.raises(RuntimeError, match="QEMU did not start") as error:
        qemu.Guest(icount=icount, name="no-guest")
    assert f" -accel {accelerator} " in str(error.value)
    assert (" -icount " in str(error.value)) == icount
