# SPDX-License-Identifier: BSD-2-Clause
"""The tide of a real load: clients fill and empty a cache, and the host sees what it still holds."""

import random
import threading
import time

from servers import serving
from tide import Samples

MIB = 1 << 20
MEMORY = "1536M"
PORT = 11211
STEPS = (64, 512, 832, 320, 64, 576, 0)  # MiB of values, one after the other
STEP_SECONDS = 4
VALUE = bytes(16384 - 64)  # with key and header about four pages
BATCH = 32


class CacheTide(Samples):
    """Samples of one guest with fixed memory, which reports what is free."""

    def __init__(self, system):
        super().__init__()
        self.keys = []
        self.random = random.Random(1)
        self.error = None
        with serving(system, memory=MEMORY, cpus=2, cache_mib=1200) as (guest, clients):
            with clients.network.connect(PORT) as self.connection:
                self.answers = self.connection.makefile("rb")
                self.start = time.monotonic()
                for mib in STEPS:
                    self.step(guest, mib * MIB // len(VALUE))

    def step(self, guest, count):
        """A client sets or deletes values until so many are left; then the guest is watched for a while."""
        client = threading.Thread(target=self.change, args=(count,))
        client.start()
        end = time.monotonic() + STEP_SECONDS
        while client.is_alive() or time.monotonic() < end:
            if client.is_alive():
                end = time.monotonic() + STEP_SECONDS
            self.samples.append((time.monotonic() - self.start, len(self.keys) * len(VALUE), guest.process_rss()))
            time.sleep(0.02)
        if self.error:
            raise SystemExit(f"bench: the cache of {guest.system} failed: {self.error}")

    def change(self, count):
        """The client: values are deleted in no order."""
        try:
            self.random.shuffle(self.keys)
            while len(self.keys) < count:
                new = [f"{self.random.getrandbits(64):016x}" for _ in range(min(BATCH, count - len(self.keys)))]
                self.ask([f"set {key} 0 0 {len(VALUE)}\r\n".encode() + VALUE + b"\r\n" for key in new], b"STORED\r\n")
                self.keys += new
            while len(self.keys) > count:
                old = [self.keys.pop() for _ in range(min(BATCH, len(self.keys) - count))]
                self.ask([f"delete {key}\r\n".encode() for key in old], b"DELETED\r\n")
        except OSError as error:
            self.error = error

    def ask(self, requests, expected):
        """Send requests in one go; every answer must be the expected one."""
        self.connection.sendall(b"".join(requests))
        for _ in requests:
            answer = self.answers.readline()
            if answer != expected:
                raise OSError(f"{answer!r} instead of {expected!r}")
