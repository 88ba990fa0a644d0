# SPDX-License-Identifier: BSD-2-Clause
"""The wire between a guest and its tap device: loses, doubles, swaps and delays frames as planned."""

import dataclasses
import heapq
import os
import random
import selectors
import socket
import struct
import threading
import time

from . import wait_for

FRAME_MAX = 70000
PATIENCE = struct.pack("ll", 1, 0)  # a guest that takes nothing for so long loses the frame, as on any wire
LATER = 0.004  # seconds that a frame is held back so that others overtake it


@dataclasses.dataclass
class Plan:
    """What happens to the frames of one direction; shares are 0 to 1, times are seconds."""
    loss: float = 0
    double: float = 0
    swap: float = 0
    delay: float = 0


class Wire:
    """Carries frames between QEMU (a datagram back end) and a tap device without vnet header.

    Deterministic but for time: the fate of the n-th frame of a direction follows from the seed.
    """

    def __init__(self, tap=None, seed=1):
        self.guest = None  # what leads to the guest: the end that a frame came out of last
        self.ends = []  # ours and QEMU's of every guest
        self.tap = tap.fds[0] if tap else None
        self.plans = {"in": Plan(), "out": Plan()}  # into the guest, out of it
        self.fates = {"in": random.Random(seed), "out": random.Random(seed + 1)}
        self.counts = {"in": 0, "out": 0, "lost": 0, "doubled": 0, "swapped": 0}
        self.listener = None  # called with (direction, frame) for each frame before its fate; true: it is taken
        self.waiting, self.number = [], 0
        self.selector = selectors.DefaultSelector()
        self.ending = False
        self.thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()
        for end in self.ends:
            end.close()
        self.selector.close()

    def attach(self, options=""):
        """What a guest needs for a network device on this wire, called nic; options begin with a comma.

        There may be a second guest, for a migration: as a switch does, the wire learns where the guest is.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, PATIENCE)
        self.ends += [ours, theirs]
        self.guest = self.guest or ours
        self.selector.register(ours, selectors.EVENT_READ, ours)
        return {"fds": (theirs.fileno(),),
                "args": ("-netdev", f"dgram,id=n0,local.type=fd,local.str={theirs.fileno()}",
                         "-device", f"virtio-net-pci,id=nic,netdev=n0{options}")}

    def plan(self, **shares):
        """The same plan for both directions."""
        self.plans = {"in": Plan(**shares), "out": Plan(**shares)}

    def inject(self, frame):
        """Send the guest a frame, whatever the plan."""
        def sent():
            try:
                self.guest.send(frame)
            except BlockingIOError:
                return False
            return True
        wait_for(sent, "the guest to take a frame", interval=0)

    def _deliver(self, direction, frame):
        try:
            if direction == "in" and self.guest:
                self.guest.send(frame)
            elif direction == "out" and self.tap is not None:
                os.write(self.tap, frame)
        except OSError:
            pass  # the guest ended or stands still, or the tap device is down

    def _take(self, direction, frame):
        self.counts[direction] += 1
        if self.listener and self.listener(direction, frame):
            return
        plan, fate = self.plans[direction], self.fates[direction]
        lost, double, swap = (fate.random() < share for share in (plan.loss, plan.double, plan.swap))
        self.counts["lost"] += lost
        self.counts["doubled"] += double and not lost
        self.counts["swapped"] += swap and not lost
        if lost:
            return
        due = time.monotonic() + plan.delay + (LATER if swap else 0)
        for _ in range(2 if double else 1):
            self.number += 1
            heapq.heappush(self.waiting, (due, self.number, direction, frame))

    def _release(self):
        """Deliver what is due; returns the seconds until the next."""
        while self.waiting and not self.ending:
            left = self.waiting[0][0] - time.monotonic()
            if left > 0:
                return min(left, 0.1)
            _, _, direction, frame = heapq.heappop(self.waiting)
            self._deliver(direction, frame)
        return 0.1

    def _read(self, end):
        """Take a frame that is there."""
        if end is None:
            self._take("in", os.read(self.tap, FRAME_MAX))
        else:
            frame = end.recv(FRAME_MAX)
            self.guest = end
            self._take("out", frame)

    def _carry(self):
        if self.tap is not None:
            self.selector.register(self.tap, selectors.EVENT_READ, None)
        while not self.ending:
            for key, _ in self.selector.select(self._release()):
                self._read(key.data)
