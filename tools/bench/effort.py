# SPDX-License-Identifier: BSD-2-Clause
"""What resizing a memory device costs: guest instructions, requests to the device, kicks."""

import functools
import re
import struct
import subprocess
import time

from guests import OUTPUT, ROOT, Guest
from harness import qemu
from harness.elastic import Elastic, plugged, request

MIB, GIB = 1 << 20, 1 << 30
BOOT_MEMORY = "512M"
QUIET_SECONDS = 20  # a device that has not changed for this long has done what it can
KICK = "virtio_queue_notify"
REQUESTS = "virtio_mem_(?:plug|unplug|unplug_all|state)_request"
LOAD_MIB = 128


@functools.cache
def plugin():
    """The compiled plugin. Its interface has a version that QEMU knows since 9.0, and one from before."""
    text = subprocess.run([qemu.qemu_program(), "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    version = 1 if int(re.search(r"version (\d+)", text).group(1)) < 9 else 2
    library = OUTPUT / "count.so"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}",
                    "-o", library, ROOT / "tools/bench/count.c"], check=True)
    return library


class Meter:
    """A guest of one CPU whose requests and kicks are counted, and neap's instructions: a Linux guest does not
    survive the plugin for certain (QEMU 7.2: exceptions while it patches its own code)."""

    def __init__(self, system, region):
        library, name = plugin(), f"{system}-{region // GIB}"
        self.count, self.trace = OUTPUT / f"{name}.count", OUTPUT / f"{name}.trace"
        self.count.write_bytes(bytes(8))
        self.trace.unlink(missing_ok=True)
        args = ["-trace", "virtio_mem_*", "-trace", KICK, "-D", str(self.trace)]
        if system == "neap":
            args += ["-plugin", f"{library},count={self.count}"]
        self.guest = Guest(system, memory=BOOT_MEMORY, reporting=False, elastic=[Elastic(region)], args=args)
        if system == "linux":
            self.guest.shell.run("settle", 600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guest.close()

    def figures(self):
        """What there was until now."""
        text = self.trace.read_text(encoding="utf-8") if self.trace.exists() else ""
        return {"instructions": struct.unpack("<Q", self.count.read_bytes())[0],
                "requests": len(re.findall(rf"^{REQUESTS} ", text, re.MULTILINE)),
                "kicks": len(re.findall(rf"^{KICK} ", text, re.MULTILINE))}

    def resize(self, size):
        """Ask for a size. Returns the figures per GiB that the device changed by."""
        before, start = self.figures(), plugged(self.guest)
        request(self.guest, size)
        now, changed = start, time.monotonic()
        while time.monotonic() - changed < QUIET_SECONDS:
            time.sleep(0.05)
            if plugged(self.guest) != now:
                now, changed = plugged(self.guest), time.monotonic()
            if now == size:
                time.sleep(0.2)  # what the guest does behind the last answer
                break
        after = self.figures()
        if now == start:
            raise SystemExit(f"{self.guest.system} did not follow a request for {size // MIB} MiB")
        return {key: (after[key] - before[key]) * GIB / abs(now - start) for key in after}


def idle(system, region):
    """Plug 1 GiB, unplug it."""
    with Meter(system, region) as meter:
        return meter.resize(GIB), meter.resize(0)


def loaded(system):
    """2 GiB, of which 1.5 GiB were touched and one page in ten is live: give 1 GiB back."""
    with Meter(system, 4 * GIB) as meter:
        meter.resize(2 * GIB)
        meter.guest.alloc(1536)
        meter.guest.thin(10)
        return meter.resize(GIB)


def reach(guest, size):
    """Ask for a size that nothing keeps the guest from."""
    request(guest, size)
    while plugged(guest) != size:
        time.sleep(0.05)


def longest_access():
    """Milliseconds of guest time that an access of a loaded thread took at most while memory was unplugged. The
    guest's clock ticks once an instruction."""
    with Guest("neap", memory=BOOT_MEMORY, icount=True, elastic=[Elastic(4 * GIB)]) as guest:
        reach(guest, 2 * GIB)
        guest.alloc(1536)
        guest.thin(10)  # the load fills holes everywhere
        guest.start_load(LOAD_MIB)
        while guest.load()["held_bytes"] < LOAD_MIB * MIB // 2:
            time.sleep(0.2)
        reach(guest, 768 * MIB)
        memory, load = guest.shell.machine("mem"), guest.load()
        guest.shell.run("load stop", 600)
    if not memory["moved_bytes"] or load["errors"]:
        raise SystemExit(f"{memory['moved_bytes']} bytes were moved, {load['errors']} were lost")
    return load["worst_ns"] / 1e6


def bench(table, systems):
    """Every figure, one system beside the other."""
    small = [idle(system, 4 * GIB) for system in systems]
    large = idle("neap", 256 * GIB)
    live = [loaded(system) for system in systems]
    for what, values in (("plug", [one[0] for one in small]), ("idle unplug", [one[1] for one in small]),
                         ("unplug with one page in ten live", live)):
        for key in values[0]:
            table.add(f"{what}: {key} per GiB", *(value[key] or None for value in values), key)
    for number, what in enumerate(("plug", "idle unplug")):
        growth = large[number]["instructions"] / small[0][number]["instructions"]
        table.add(f"{what} of 1 GiB: region of 256 GiB over one of 4 GiB", growth, None, "times")
    table.add("longest access during an unplug, 1 CPU, guest time", longest_access(), None, "ms")
