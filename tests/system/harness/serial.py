# SPDX-License-Identifier: BSD-2-Clause
"""The guest's serial line: everything it said, and waiting for what it says next."""

import os
import re
import threading
import time

from . import HANG_SECONDS


class SerialError(Exception):
    """What was waited for did not come."""


class Serial:
    """The two named pipes of QEMU's `pipe` device.

    Pipes, because a socket counts every written byte as a packet and is full after a few hundred. A
    thread of its own reads, so that the guest never has to wait.
    """

    def __init__(self, path):
        self.path = path
        self.text = ""
        self.closed = False
        self.changed = threading.Condition()
        for end in (".in", ".out"):
            os.mkfifo(path + end)
        # Both ends of both pipes are open here until QEMU has opened its own.
        self.input = os.open(path + ".in", os.O_RDWR)
        reading = os.open(path + ".out", os.O_RDONLY | os.O_NONBLOCK)
        self.placeholder = os.open(path + ".out", os.O_WRONLY)
        os.set_blocking(reading, True)
        self.thread = threading.Thread(target=self._read_all, args=(reading,), daemon=True)
        self.thread.start()

    def connected(self):
        """QEMU has its ends open: from now on the pipe ends when QEMU does."""
        if self.placeholder is not None:
            os.close(self.placeholder)
        self.placeholder = None

    def drain(self):
        """QEMU has ended: take what is still in the pipe."""
        self.connected()
        self.thread.join()

    def close(self):
        """QEMU has ended: remove the pipes."""
        self.drain()
        os.close(self.input)
        for end in (".in", ".out"):
            os.unlink(self.path + end)

    def _read_all(self, reading):
        data = b"x"
        while data:
            data = os.read(reading, 65536)
            with self.changed:
                self.text += data.decode("latin-1")
                self.closed = not data
                self.changed.notify_all()
        os.close(reading)

    def send(self, text):
        """Type."""
        os.write(self.input, text.encode("latin-1"))

    def expect(self, pattern, start=0, seconds=HANG_SECONDS):
        """The first match of a regular expression at or after position `start`."""
        regex = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                match = regex.search(self.text, start)
                if match:
                    return match
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    why = "the guest ended" if self.closed else f"nothing within {seconds} s"
                    raise SerialError(f"expected {pattern!r} on the serial line: {why}; it said last:\n"
                                      + self.text[-3000:])
                self.changed.wait(left)
