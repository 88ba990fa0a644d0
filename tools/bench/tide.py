# SPDX-License-Identifier: BSD-2-Clause
"""The tide picture: a load that rises and falls, and the memory that the host grants and holds."""

import threading
import time

from guests import Guest
from harness.elastic import Elastic, plugged, request

MIB, GIB = 1 << 20, 1 << 30
BOOT_MEMORY = "512M"
REGION = 4 * GIB
STEPS = (256, 1024, 3072, 2048, 512, 1536, 0)  # MiB that the load holds, one after the other
STEP_SECONDS = 6
MARGIN = 512 * MIB  # granted beyond what the load holds
NAMES = {"neap": "neap", "linux": "Linux 6.12"}


COLUMNS = {"requested": (1, ":"), "granted": (2, "-"), "used by the load": (3, "--"), "held by the host": (4, "-")}


class Samples:
    """Samples of one guest over time: seconds first, what the load uses and what the host holds last."""

    def __init__(self):
        self.samples = []

    def mean_beyond_use(self):
        """Bytes that the host holds and the load does not use, averaged over time."""
        area = sum((row[-1] - row[-2]) * (later[0] - row[0]) for row, later in zip(self.samples, self.samples[1:]))
        return area / (self.samples[-1][0] - self.samples[0][0])


class Tide(Samples):
    """Samples: (seconds, requested, granted, used by the load, held by the host)."""

    def __init__(self, system):
        super().__init__()
        self.wanted = self.used = 0
        with Guest(system, memory=BOOT_MEMORY, cpus=2, elastic=[Elastic(REGION)]) as guest:
            self.start = time.monotonic()
            self.play(guest)

    def sample(self, guest):
        """One row; the monitor is asked by one thread only."""
        self.samples.append((time.monotonic() - self.start, self.wanted, plugged(guest), self.used,
                             guest.process_rss()))

    def play(self, guest):
        """Change the load step by step; the host asks for what the load needs, before it grows."""
        for mib in STEPS:
            self.wanted = max(0, mib * MIB + MARGIN - guest.memory) // (2 * MIB) * 2 * MIB
            if self.used:
                guest.free()
            self.used = 0
            request(guest, self.wanted)
            while plugged(guest) < self.wanted:
                self.sample(guest)
                time.sleep(0.02)
            self.grow(guest, mib)
            end = time.monotonic() + STEP_SECONDS
            while time.monotonic() < end:
                self.sample(guest)
                time.sleep(0.02)

    def grow(self, guest, mib):
        """Let the load take its memory, and go on sampling."""
        taking = threading.Thread(target=guest.alloc, args=(mib,))
        if mib:
            taking.start()
        while taking.is_alive():
            self.sample(guest)
            time.sleep(0.02)
        self.used = mib * MIB


def draw(tides, path, names=None, columns=None):
    """One panel a system, the same axes; `columns`: of each line its place in a sample and its style."""
    names, columns = names or NAMES, columns or COLUMNS
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "neap"
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    figure, panels = pyplot.subplots(len(tides), 1, figsize=(8, 3 * len(tides)), sharex=True, sharey=True)
    for panel, (system, tide) in zip(panels, tides.items()):
        times = [row[0] for row in tide.samples]
        for label, (column, style) in columns.items():
            panel.plot(times, [row[column] / GIB for row in tide.samples], style, label=label, linewidth=1.8)
        panel.set_title(names[system])
        panel.set_ylabel("GiB")
        panel.grid(alpha=0.3)
    panels[0].legend(ncol=len(columns), fontsize="small")
    panels[-1].set_xlabel("seconds")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
