# SPDX-License-Identifier: BSD-2-Clause
"""Drive a neap guest from outside: QEMU, its monitor, its serial line, its memory on the host."""

import os
import time

# Long enough for a loaded machine: deadlines only find hangs, they measure nothing.
HANG_SECONDS = float(os.environ.get("NEAP_HANG_SECONDS", "180"))


def wait_for(condition, what, seconds=HANG_SECONDS, interval=0.05):
    """Poll until condition() is true and return its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(interval)
