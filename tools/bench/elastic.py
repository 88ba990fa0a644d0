# SPDX-License-Identifier: BSD-2-Clause
"""Measurements of memory devices: how fast and how completely memory comes and goes."""

import time

from guests import Guest
from harness.elastic import Elastic, plugged, request

MIB, GIB = 1 << 20, 1 << 30
REGION = 4 * GIB
BOOT_MEMORY = "512M"
LIMIT_SECONDS = 60  # how long one resize is watched
LOAD_MIB = 512
SETTLE_SECONDS = 20  # a device that has not changed for this long is as small as it gets


def guest_of(system, cpus=2):
    """A guest with one memory device, nothing of it plugged."""
    return Guest(system, memory=BOOT_MEMORY, cpus=cpus, elastic=[Elastic(REGION)])


def resize(guest, size):
    """Ask for a size. Returns the seconds until the last change and the bytes that are off."""
    reached = plugged(guest)
    start = changed = time.monotonic()
    request(guest, size)
    while reached != size and time.monotonic() - start < LIMIT_SECONDS:
        now = plugged(guest)
        if now != reached:
            reached, changed = now, time.monotonic()
        elif time.monotonic() - changed > SETTLE_SECONDS:
            break
        time.sleep(0.005)
    return changed - start, abs(reached - size)


def idle(system):
    """Plug everything, unplug everything."""
    with guest_of(system) as guest:
        plug = resize(guest, REGION)
        return plug, resize(guest, 0)


def fragmented(system, keep=10):
    """Three quarters full, then one page in `keep` stays: unplug what is not needed."""
    with guest_of(system) as guest:
        resize(guest, REGION)
        guest.alloc(3 * REGION // 4 // MIB)
        guest.thin(keep)
        return resize(guest, 0)


def rate(guest, work):
    """Bytes a second that the load touches meanwhile, and what the work returns."""
    before, start = guest.load()["touched_bytes"], time.monotonic()
    result = work()
    return (guest.load()["touched_bytes"] - before) / (time.monotonic() - start), result


def under_load(system):
    """Unplug 1 GiB while threads write: their longest access, their throughput beside before."""
    with guest_of(system) as guest:
        resize(guest, 2 * GIB)
        guest.start_load(LOAD_MIB)
        while guest.load()["held_bytes"] < 0.95 * LOAD_MIB * MIB:
            time.sleep(1)
        alone, _ = rate(guest, lambda: time.sleep(5))
        during, (seconds, left) = rate(guest, lambda: resize(guest, GIB))
        result = guest.load()
        wait_ns = guest.shell.machine("mem")["move_wait_max_ns"] if system == "neap" else None
        guest.shell.run("load stop")
    if result["errors"]:
        raise SystemExit(f"{system} lost bytes: {result}")
    return {"seconds": seconds, "left": left, "worst_ms": result["worst_ns"] / 1e6, "kept": during / alone * 100,
            "wait_ms": None if wait_ns is None else wait_ns / 1e6}


def bench(table, systems):
    """Every figure, one system beside the other."""
    plug, unplug = zip(*(idle(system) for system in systems))
    table.add("plug 4 GiB", *(seconds for seconds, _ in plug), "s")
    table.add("unplug 4 GiB, idle", *(seconds for seconds, _ in unplug), "s")
    table.add("left over after it", *(left / MIB for _, left in unplug), "MiB")
    loaded = [fragmented(system) for system in systems]
    table.add("unplug with one page in ten live", *(seconds for seconds, _ in loaded), "s")
    table.add("left over after it", *(left / MIB for _, left in loaded), "MiB")
    storm = [under_load(system) for system in systems]
    table.add("unplug 1 GiB under load", *(one["seconds"] for one in storm), "s")
    table.add("left over after it", *(one["left"] / MIB for one in storm), "MiB")
    table.add("longest access of a loaded thread", *(one["worst_ms"] for one in storm), "ms")
    table.add("longest wait for a page that moves", *(one["wait_ms"] for one in storm), "ms")
    table.add("throughput kept by the load meanwhile", *(one["kept"] for one in storm), "%")
