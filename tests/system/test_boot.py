# SPDX-License-Identifier: BSD-2-Clause
"""Every way to boot reaches the prompt."""

import re
import subprocess

import pytest
from harness.machine import MACHINE
from harness.qemu import ROOT, Guest, image

MATRIX = [
    *[("pvh", machine, cpus) for machine in (MACHINE.default, "pc") for cpus in (1, 2, 4)],
    ("bios", "q35", 1), ("bios", "q35", 4), ("bios", "pc", 2), ("uefi", "q35", 2), ("uefi", "pc", 1),
]
UNKNOWN = r"unknown key 'frobnicate'"


@pytest.fixture
def iso_with(tmp_path):
    """Make an ISO with a kernel command line."""
    def maker(cmdline):
        path = tmp_path / "neap.iso"
        subprocess.run([ROOT / "boot/mkiso", f"{image()}.stripped", path, cmdline], check=True, cwd=ROOT)
        return path
    return maker


@pytest.mark.parametrize("protocol,machine,cpus", MATRIX, ids=lambda value: str(value))
def test_prompt(boot, protocol, machine, cpus):
    """All CPUs run, the boot protocol is the expected one, the shell answers, power goes off."""
    guest = boot(protocol, machine=machine, cpus=cpus)
    assert guest.shell.machine("devices")["cpus"] == cpus
    assert (MACHINE.direct if protocol == "pvh" else "multiboot2") in guest.serial.text
    guest.serial.send("poweroff\r")
    assert guest.wait() == 0


@pytest.mark.parametrize("protocol", ["pvh", "bios", "uefi"])
def test_command_line(boot, iso_with, protocol):
    """The command line comes through; an unknown key gets exactly one message that names it."""
    cmdline = "frobnicate=1 reserve=7M"
    if protocol == "pvh":
        guest = boot(append=cmdline)
    else:
        guest = boot(protocol, iso=iso_with(cmdline))
    assert len(re.findall(UNKNOWN, guest.serial.text)) == 1
    assert guest.shell.machine("reporting")["reserve"] == 7 << 20


def test_bad_value_is_named(boot):
    """A known key with a value that makes no sense: the key, the value, what is allowed."""
    guest = boot(append="reporting_order=99 reporting=perhaps")
    assert re.search(r"reporting_order=99 ignored \(E", guest.serial.text)
    assert re.search(r"reporting=perhaps ignored \(E", guest.serial.text)


def test_8_mib(boot):
    """The smallest guest works."""
    guest = boot(memory="8M")
    assert guest.shell.machine("mem")["total"] < 8 << 20


def test_32_mib_iso(boot):
    """From the ISO, whose loader needs memory of its own."""
    boot("bios", memory="32M")


def test_too_little_memory(boot):
    """Refused with what there is and what is needed."""
    guest = boot(memory="4M", ready=False)
    assert guest.wait() == MACHINE.exit_panic
    message = re.search(r"(?i)memory.*", guest.serial.text)
    assert message and len(re.findall(r"\d+(?:\.\d+)? [KM]iB", guest.serial.text)) >= 2, guest.serial.text


def ready_instructions(memory):
    """The guest's own `ready in` under -icount, where a nanosecond is an instruction.

    Without x2APIC: QEMU 11.1 stops with "Bad icount read" when a register write reads its clock.
    """
    with Guest(memory=memory, reserve=False, cpu="max,-x2apic", icount=True, name=f"ready-{memory}") as guest:
        return guest.shell.wait_ready()


def test_start_time_does_not_depend_on_memory():
    """8 MiB or 512 GiB of a sparse backend: the same work up to the prompt."""
    small, huge = ready_instructions("8M"), ready_instructions("512G")
    print(f"ready in {small} us with 8 MiB, {huge} us with 512 GiB")
    assert huge < small * 1.5 and huge - small < 5000


def test_512_gib_guest_costs_the_host_little(boot):
    """What nobody used is not backed, its frame array neither."""
    guest = boot(memory="512G", reserve=False)
    assert guest.shell.machine("mem")["total"] > 511 << 30
    assert guest.rss() < 64 << 20
