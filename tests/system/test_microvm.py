# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's microvm: no PCI, no firmware tables but the DSDT's; devices are registers and a line."""

import subprocess

import pytest
from harness import HANG_SECONDS, wait_for
from harness.machine import MICROVM
from harness.qemu import ROOT
from harness.service import HTTP, served

MIB = 1 << 20
BIG = 256 * MIB
SLACK = 48 * MIB


@pytest.mark.parametrize("cpus", [1, 2])
def test_microvm_gives_memory_back(boot, cpus):
    """The balloon is found, free memory is reported, a target is reached, the machine goes off."""
    guest = boot(memory="512M", cpus=cpus, machine=MICROVM)
    assert "balloon0 mmio" in guest.shell.run("devices")
    guest.shell.run(f"alloc {BIG // MIB}M")
    assert guest.rss() >= BIG
    guest.shell.run("free")
    wait_for(lambda: guest.rss() < SLACK, "guest memory on the host")
    guest.set_target(300 * MIB)
    wait_for(lambda: guest.balloon_actual() == 300 * MIB, "the balloon at its target")
    guest.serial.send("poweroff\r")
    assert guest.wait() == 0


def test_microvm_serves(boot):
    """A page over HTTP."""
    _, (port,) = served(boot, HTTP, machine=MICROVM)
    page = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{port}/"], check=True, stdout=subprocess.PIPE,
                          timeout=HANG_SECONDS).stdout
    assert page == (ROOT / "apps/httpd/www/index.html").read_bytes()


def test_microvm_restarts(boot):
    """A reset through the register that is memory here."""
    guest = boot(machine=MICROVM)
    begin = len(guest.serial.text)
    guest.serial.send("reboot\r")
    guest.shell.wait_ready(begin)
    assert guest.shell.machine("devices")["cpus"] == 1
