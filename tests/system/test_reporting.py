# SPDX-License-Identifier: BSD-2-Clause
"""Free memory goes back to the host: judged by the host's own figures."""

import re
import subprocess

import pytest
from harness import wait_for
from harness.qemu import BALLOON, qemu_program

MIB = 1 << 20
BIG = 512 * MIB
SLACK = 48 * MIB  # what the guest itself and its warm memory may hold


def alloc(guest, size=BIG):
    """Take memory in the guest; it is then on the host as well."""
    guest.shell.run(f"alloc {size // MIB}M")
    assert guest.rss() >= size


def returned(guest, limit=SLACK):
    """Has the host got the memory back?"""
    return wait_for(lambda: guest.rss() < limit, f"guest memory on the host below {limit // MIB} MiB")


@pytest.mark.parametrize("cpus", [1, 4])
def test_free_reaches_the_host(boot, cpus):
    """RSS falls after free, without anything else happening in the guest."""
    guest = boot(memory="1G", cpus=cpus)
    alloc(guest)
    guest.shell.run("free")
    returned(guest)


@pytest.mark.parametrize("how", ["command line", "shell", "device"])
def test_off_means_off(boot, how):
    """With reporting off the memory stays; switched on, it goes."""
    balloon = BALLOON.replace("reporting=on", "reporting=off") if how == "device" else BALLOON
    guest = boot(memory="1G", append="reporting=off" if how == "command line" else "", balloon=balloon)
    if how == "shell":
        guest.shell.run("reporting off")
    alloc(guest)
    guest.shell.run("free")
    # An idle guest would have had time: the commands run while nothing may be reported.
    for _ in range(20):
        assert guest.shell.machine("reporting")["reported_bytes"] == 0 or how == "shell"
    assert guest.rss() >= BIG
    if how != "device":
        guest.shell.run("reporting on")
        returned(guest)


def test_parked_right_after_a_big_free(boot):
    """The guest goes idle with the free itself; the warm reserve of a busy past goes too."""
    guest = boot(memory="1G", cpus=2)
    for _ in range(4):
        alloc(guest)
        guest.shell.run("free")
    alloc(guest)
    guest.shell.start("free")  # nothing is typed after it
    returned(guest)


def test_churn_keeps_its_pages(boot):
    """Memory that is taken and freed again and again stays warm: no reports to and fro."""
    guest = boot(memory="1G")
    # A block that was in pieces before was never told, so it is no part of what is missed.
    wait_for(lambda: guest.shell.run("bench churn 128M") and
             guest.shell.machine("reporting")["reserve"] >= 124 * MIB, "a reserve of the size of the swing")
    before = guest.shell.machine("reporting")
    for _ in range(5):
        guest.shell.run("bench churn 128M")
    after = guest.shell.machine("reporting")
    # Each run takes and frees 128 MiB several times: a fraction of one may have been told.
    assert after["reported_bytes"] - before["reported_bytes"] < 64 * MIB, (before, after)


@pytest.mark.parametrize("way", ["command line", "shell"])
def test_fixed_reserve(boot, way):
    """reserve= keeps so much free memory warm, no more and no less."""
    guest = boot(memory="1G", append="reserve=128M" if way == "command line" else "")
    if way == "shell":
        guest.shell.run("reporting reserve 128M")
    assert guest.shell.machine("reporting")["reserve_fixed"] == 1
    alloc(guest)
    guest.shell.run("free")
    returned(guest, BIG // 2)
    wait_for(lambda: guest.shell.machine("reporting")["unreported"] <= 132 * MIB,
             "reporting down to the reserve, give or take a block")
    assert guest.rss() >= 120 * MIB
    guest.shell.run("reporting flush")
    returned(guest)


def test_after_guest_reboot(boot):
    """Reporting works again after a reset of the machine."""
    guest = boot(memory="1G")
    alloc(guest)
    begin = len(guest.serial.text)
    guest.serial.send("reboot\r")
    guest.shell.wait_ready(begin)
    alloc(guest)
    guest.shell.run("free")
    returned(guest)


def test_small_blocks(boot):
    """With order 0 fragments are reported as well."""
    guest = boot(memory="512M", append="reporting_order=0 reserve=0")
    wait_for(lambda: guest.shell.machine("reporting")["unreported"] < 4 * MIB, "everything reported")
    counts = guest.shell.machine("mem")
    assert sum(counts[f"reported_order_{order}"] for order in range(9)) > 0


def interrupt_vectors(guest):
    """The vectors of the interrupts in the guest's event records."""
    events = re.findall(r" code=(0x[0-9a-f]+) cpu=0x0 reason=0x2$", guest.shell.run("trace --machine"), re.MULTILINE)
    assert events
    return set(events)


@pytest.mark.parametrize("mode", ["MSI-X", "interrupt line"])
def test_device_interrupts(boot, mode):
    """The device interrupts, by message or, where it has no vectors, by its pin."""
    help_text = subprocess.run([qemu_program(), "-device", "virtio-balloon-pci,help"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
    vectors = "vectors=" in help_text  # QEMU 7.2 offers a balloon only the pin
    if mode == "MSI-X" and not vectors:
        pytest.skip("this QEMU's balloon has no MSI-X")
    others = interrupt_vectors(boot(memory="512M", balloon=None))
    guest = boot(memory="512M", balloon=BALLOON + (",vectors=0" if vectors and mode != "MSI-X" else ""))
    assert mode in guest.shell.run("devices")
    alloc(guest, 256 * MIB)
    guest.shell.run("free")
    returned(guest)
    assert interrupt_vectors(guest) - others


def test_without_balloon(boot):
    """No device: one clear answer, everything else works."""
    guest = boot(memory="256M", balloon=None)
    assert "no balloon device" in guest.shell.run("balloon")
    assert guest.shell.machine("reporting")["active"] == 0
    guest.shell.run("alloc 64M")
    assert "free" in guest.shell.run("free")
