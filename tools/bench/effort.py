# SPDX-License-Identifier: BSD-2-Clause
"""What resizing a memory device costs: guest instructions, requests to the device, kicks."""

import functools
import time

from guests import steadily
from harness.elastic import Elastic, plugged, request
from meter import Meter

MIB, GIB = 1 << 20, 1 << 30
BOOT_MEMORY = "512M"
QUIET_SECONDS = 20  # a device that has not changed for this long has done what it can
REQUESTS = "virtio_mem_(?:plug|unplug|unplug_all|state)_request"


class Resizer(Meter):
    """A guest with a memory device of which nothing is plugged."""

    def __init__(self, system, region):
        super().__init__(system, f"effort-{region // GIB}", {"requests": REQUESTS}, memory=BOOT_MEMORY,
                         elastic=[Elastic(region)], args=["-no-reboot"])
        if system == "linux":
            self.guest.shell.run("settle", 600)

    def change(self, size):
        """Ask for a size and wait until the device has it or does not change any more. Returns its size."""
        request(self.guest, size)
        now, changed = plugged(self.guest), time.monotonic()
        while now != size and time.monotonic() - changed < QUIET_SECONDS:
            time.sleep(0.05)
            before, now = now, plugged(self.guest)
            if now != before:
                changed = time.monotonic()
        if now == size:
            time.sleep(0.2)  # what the guest does behind the last answer
        return now

    def resize(self, size):
        """Ask for a size. Returns the figures per GiB that the device changed by."""
        start = plugged(self.guest)
        reached, figures = self.during(lambda: self.change(size))
        if reached == start:
            raise SystemExit(f"{self.guest.system} did not follow a request for {size // MIB} MiB")
        return {key: value * GIB / abs(reached - start) for key, value in figures.items()}


def idle(system, region):
    """Plug 1 GiB, unplug it."""
    with Resizer(system, region) as meter:
        return meter.resize(GIB), meter.resize(0)


def loaded(system):
    """2 GiB, of which 1.5 GiB were touched and one page in ten is live: give 1 GiB back."""
    with Resizer(system, 4 * GIB) as meter:
        meter.resize(2 * GIB)
        meter.guest.alloc(1536)
        meter.guest.thin(10)
        return meter.resize(GIB)


def bench(table, systems):
    """Every figure, one system beside the other."""
    small = [steadily(system, functools.partial(idle, system, 4 * GIB)) for system in systems]
    large = idle("neap", 256 * GIB)
    live = [steadily(system, functools.partial(loaded, system)) for system in systems]
    for what, values in (("plug", [one[0] for one in small]), ("idle unplug", [one[1] for one in small]),
                         ("unplug with one page in ten live", live)):
        for key in values[0]:
            table.add(f"{what}: {key} per GiB", *(value[key] for value in values), key)
    for number, what in enumerate(("plug", "idle unplug")):
        growth = large[number]["instructions"] / small[0][number]["instructions"]
        table.add(f"{what} of 1 GiB: region of 256 GiB over one of 4 GiB", growth, None, "times")
