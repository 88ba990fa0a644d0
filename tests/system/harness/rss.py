# SPDX-License-Identifier: BSD-2-Clause
"""How much of the guest's memory the host really holds."""

import re

MIB = 1 << 20


def guest_rss(pid, memory):
    """Resident bytes of the mapping that holds `memory` bytes of guest memory."""
    best = None
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        for line in smaps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
            if match:
                size = int(match.group(2), 16) - int(match.group(1), 16)
            elif line.startswith("Rss:") and size >= memory and (best is None or size < best[0]):
                best = (size, int(line.split()[1]) * 1024)
    assert best, f"process {pid} maps no {memory} bytes"
    return best[1]


def process_rss(pid):
    """Resident bytes of the whole process that no file backs: its guest's memory and its own."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
