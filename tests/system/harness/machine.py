# SPDX-License-Identifier: BSD-2-Clause
"""What differs between the machines to test on. ARCH=s390x in the environment chooses the other one."""

import dataclasses
import os
import re

MICROVM = "microvm"  # x86_64 without PCI
ARCH = os.environ.get("ARCH") or "x86_64"


@dataclasses.dataclass(frozen=True)
class Machine:
    """One architecture, as QEMU shows it."""
    qemu: str            # the system's emulator
    default: str         # machine type
    other: str           # another one, where there is one
    direct: str          # how QEMU's -kernel starts the image, in the guest's own words
    media: bool          # is there an ISO?
    exit_args: tuple     # for an exit code that tells how the guest ended
    exit_failed: int     # self-tests failed
    exit_panic: int
    bus: str             # where virtio devices are
    newest: tuple = ()   # system tests that the system's QEMU is too old for: run once more on the newest
    storm_turns: int = 1000
    emulated_units: tuple = ()  # unit-test programs that run in user emulation, built for this machine


MACHINES = {
    "x86_64": Machine(qemu="qemu-system-x86_64", default="q35", other="pc", direct="pvh", media=True,
                      exit_args=("-device", "isa-debug-exit,iobase=0xf4,iosize=4"), exit_failed=3, exit_panic=5,
                      bus="pci", newest=("test_ifcvf.py",)),
    "s390x": Machine(qemu="qemu-system-s390x", default="s390-ccw-virtio", other="s390-ccw-virtio",
                     direct="ELF at 0x10000", media=False, exit_args=("-action", "panic=exit-failure"),
                     exit_failed=1, exit_panic=1, bus="ccw", storm_turns=200,
                     emulated_units=("apps", "kernel", "mm", "virtio"),
                     newest=("test_elastic.py", "test_elastic_reserve.py", "test_compact.py",
                             "test_machine_reset.py")),
}
MACHINE = MACHINES[ARCH]

# What cannot be tested on a machine: part of a test's name, and why.
SKIPS = {
    "x86_64": {
        "test_machine_reset": "DIAGNOSE is an instruction of s390x",
        "test_ccw_": "there are no channels",
        "test_sclp_": "there is no SCLP",
    },
    "s390x": {
        "test_microvm": "a machine of x86_64",
        "test_ifcvf": "a PCI device",
        "test_image": "the image file and the ISO of x86_64",
        "test_neap_": "the tool starts x86_64 guests only",
        "[bios": "no BIOS",
        "[uefi": "no UEFI",
        "test_32_mib_iso": "no ISO",
        "-pc-": "a machine of x86_64",
        "without_debug_exit": "there is no such device",
        "[,vectors=": "interrupt vectors are PCI's",
        "test_device_interrupts": "MSI-X and interrupt lines are PCI's",
        "test_two_devices_on_two_nodes": "the machine has no NUMA nodes",
        "test_small_guest_grows_to_16_gib": "without large pages tables take a part of the memory that they map",
        "test_start_time_does_not": "without large pages the first block takes tables in proportion to it",
        "test_ctrl_c_stops_alloc": "without large pages memory that came into use keeps its tables",
    },
}

# ... and what only the newest QEMU can.
_NO_MEMORY_DEVICE = "QEMU 7.2 has no memory device behind a channel"
_IOTHREAD_ABORTS = "QEMU 7.2 aborts when an iothread interrupts an s390x guest"
OLD_QEMU_SKIPS = {
    "x86_64": {"test_ifcvf": "QEMU 7.2 has no vfio-user-pci"},
    "s390x": {
        "test_elastic": _NO_MEMORY_DEVICE,
        "test_fragments_reach_the_host[elastic": _NO_MEMORY_DEVICE,
        "test_fragments_reach_the_host[every": _NO_MEMORY_DEVICE,
        "test_fragments_reach_the_host[one": _NO_MEMORY_DEVICE,
        "test_machine_reset_keeps_elastic_memory": _NO_MEMORY_DEVICE,
        "test_memory_goes_while_it_serves": _NO_MEMORY_DEVICE,
        "test_queue_numbers[on": _IOTHREAD_ABORTS,
        "test_migration_with_hints": _IOTHREAD_ABORTS,
    },
}


def on_bus(argument, kind=""):
    """An argument of QEMU, its virtio device on the bus that this kind of machine has; only PCI has interrupt vectors."""
    bus = "device" if kind == MICROVM else MACHINE.bus
    argument = re.sub(r"^(virtio-[a-z]+)-pci\b", rf"\1-{bus}", argument)
    return argument if bus == "pci" else re.sub(r"^(virtio-.*),vectors=\d+", r"\1", argument)


def skip_reason(name):
    """Why a test is not for this machine, or None."""
    skips = dict(SKIPS[ARCH])
    if os.environ.get("QEMU") != "new":
        skips.update(OLD_QEMU_SKIPS[ARCH])
    return next((reason for part, reason in skips.items() if part in name), None)
