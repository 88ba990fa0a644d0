# SPDX-License-Identifier: BSD-2-Clause
"""The host memory of a guest over time."""

import threading
import time

from guests import Guest

GIB = 1 << 30
FREED = 3 * GIB
LIMIT_SECONDS = 90  # how long a return is watched
SHOWN_SECONDS = 30  # of the picture, after the free
SETTLE_SECONDS = 5  # memory that has not fallen for this long is at rest


def settled_rss(guest, limit=60):
    """The resident size once it has stopped falling."""
    lowest, since, start = guest.rss(), time.monotonic(), time.monotonic()
    while time.monotonic() - since < SETTLE_SECONDS and time.monotonic() - start < limit:
        time.sleep(0.1)
        now = guest.rss()
        if now < lowest - (1 << 20):
            lowest, since = now, time.monotonic()
    return guest.rss()


class Curve:
    """Samples of one guest's resident size from the start of QEMU on."""

    def __init__(self):
        self.samples = []  # (seconds since start, bytes)
        self.freed_at = None  # seconds since start
        self.held = None  # bytes just before the free

    def seconds_until_returned(self, percent):
        """Time from the free until this part of it has left the host; None: never."""
        goal = self.held - FREED * percent / 100
        return next((when - self.freed_at for when, rss in self.samples
                     if when >= self.freed_at and rss <= goal), None)


def record(system):
    """Start a guest, let it take 3 GiB, free them, and watch."""
    result = Curve()
    with Guest(system) as guest:
        done = threading.Event()

        def sample():
            while not done.is_set():
                result.samples.append((time.monotonic() - guest.started, guest.rss()))
                done.wait(0.02)

        watcher = threading.Thread(target=sample)
        watcher.start()
        try:
            guest.alloc(FREED >> 20)
            result.held = guest.rss()
            result.freed_at = time.monotonic() - guest.started
            guest.free()
            while time.monotonic() - guest.started < result.freed_at + LIMIT_SECONDS:
                if result.seconds_until_returned(99) is not None:
                    break
                time.sleep(0.05)
            time.sleep(2)
        finally:
            done.set()
            watcher.join()
    return result


def draw(curves, path):
    """One picture with every guest's curve, laid over each other at the free."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "neap"
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    figure, axes = pyplot.subplots(figsize=(8, 4))
    names = {"neap": "neap", "linux": "Linux 6.12"}
    for system, one in curves.items():
        times = [when - one.freed_at for when, _ in one.samples] + [SHOWN_SECONDS]
        held = [rss / GIB for _, rss in one.samples]
        axes.plot(times, held + held[-1:], label=names[system], linewidth=2)
    axes.axvline(0, color="black", linestyle=":", linewidth=1)
    axes.set_xlabel("seconds since the guest freed 3 GiB")
    axes.set_ylabel("guest memory held by the host, GiB")
    axes.set_ylim(bottom=0)
    axes.set_xlim(-SHOWN_SECONDS / 2, SHOWN_SECONDS)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
