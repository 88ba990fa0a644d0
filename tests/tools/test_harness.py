# SPDX-License-Identifier: BSD-2-Clause
"""The harness of the system tests, without a QEMU: command lines, the wire, the limit of every test."""

import pathlib
import socket
import subprocess
import sys
import types

import pytest
from harness import qemu
from harness.net_wire import Wire

CONFTEST = pathlib.Path(__file__).parents[1] / "conftest.py"
HANGING = "import threading\n\ndef test_hangs():\n    threading.Event().wait()\n\ndef test_after():\n    pass\n"


@pytest.mark.parametrize("icount,accelerator", [(False, "kvm"), (True, "tcg")])
def test_accelerator(monkeypatch, icount, accelerator):
    """Where KVM can run a guest, it does, but for guests whose instructions are counted."""
    monkeypatch.setenv("QEMU", "false")
    monkeypatch.setattr(qemu, "accelerator", lambda: "kvm")
    with pytest.raises(RuntimeError, match="QEMU did not start") as error:
        qemu.Guest(icount=icount, name="no-guest")
    assert f" -accel {accelerator} " in str(error.value)
    assert (" -icount " in str(error.value)) == icount


def test_wire_passes_a_guest_that_stands_still():
    """A guest that reads nothing does not stop the wire: another that speaks gets the frames from then on."""
    outside, tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with outside, tap, Wire(types.SimpleNamespace(fds=[tap.fileno()])) as wire:
        wire.attach()
        there = socket.socket(fileno=wire.attach()["fds"][0])
        outside.settimeout(30)
        there.settimeout(30)
        for _ in range(8):  # more than the queues of both sockets hold
            outside.send(b"x" * 60_000)
        there.send(b"here" * 15)
        assert outside.recv(100) == b"here" * 15
        outside.send(b"for the second")
        while there.recv(100) != b"for the second":
            pass
        there.detach()


def test_hanging_test_is_ended(tmp_path):
    """A test that waits for ever fails after a while, and the next one runs."""
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(HANGING, encoding="utf-8")
    result = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)], check=False,
                            env={"NEAP_TEST_LINES": "1", "NEAP_TEST_SECONDS": "1", "PATH": "/usr/bin:/bin"}, timeout=60,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "fail it.hangs" in result.stdout and "pass it.after" in result.stdout
    assert "not finished within 1 s" in result.stdout


@pytest.mark.parametrize("flags, device, says", [
    ("fpu vme", "/dev/null", "none of vmx, svm, sie"), ("fpu svm", "/nowhere", "/dev/kvm: No such file"),
    ("fpu svm", "/dev/null", None),
])
def test_no_kvm(monkeypatch, tmp_path, flags, device, says):
    """What is missing is named, and guests are translated instead."""
    cpus = tmp_path / "cpuinfo"
    cpus.write_text(f"flags : {flags}\n")
    monkeypatch.setattr(qemu, "CPUS", cpus)
    monkeypatch.setattr(qemu, "KVM", device)
    assert says in qemu.no_kvm() if says else qemu.no_kvm() is None
    assert qemu.accelerator() == ("tcg" if says else "kvm")
