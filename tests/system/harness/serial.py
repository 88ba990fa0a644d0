# SPDX-License-Identifier: BSD-2-Clause
"""The guest's serial line: everything it said, and waiting for what it says next."""

import re
import threading
import time

from . import HANG_SECONDS


class SerialError(Exception):
    """What was waited for did not come."""


class Serial:
    """Reads a connected socket in a thread of its own, so that the guest never has to wait."""

    def __init__(self, sock):
        self.sock = sock
        self.text = ""
        self.closed = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read_all, daemon=True)
        self.thread.start()

    def _read_all(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            with self.changed:
                self.text += data.decode("latin-1")
                self.closed = not data
                self.changed.notify_all()
            if not data:
                return

    def send(self, text):
        """Type."""
        self.sock.sendall(text.encode("latin-1"))

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
