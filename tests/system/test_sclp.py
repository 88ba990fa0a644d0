# SPDX-License-Identifier: BSD-2-Clause
"""The operator's console in line mode, for machines without a terminal that takes bytes (s390x)."""

import re

import pytest
from harness.machine import MACHINE

LINES = ("-device", "sclplmconsole,chardev=serial")


@pytest.mark.parametrize("end, code", [("poweroff", 0), ("panic", MACHINE.exit_panic)])
def test_sclp_line_mode(boot, end, code):
    """A guest speaks and listens by whole lines of EBCDIC, up to its last words."""
    guest = boot(memory="64M", console=LINES, ready=False)
    guest.serial.expect(r"neap: ready in \d+ us")
    guest.serial.send("mem --machine\n")
    assert int(guest.serial.expect(r"^total=(\d+)").group(1)) > 60 << 20
    guest.serial.send(end + "\n")
    assert guest.wait() == code
    assert end == "poweroff" or "last messages:" in guest.serial.text


@pytest.mark.parametrize("cpus", [2, 4])
def test_sclp_typed_in_pieces(boot, cpus):
    """Each byte has an interrupt of its own, which any CPU may take: none is lost, and they stay in order."""
    guest = boot(cpus=cpus)
    for number in range(100):
        line = f"no-such-command-{number:03d}"
        begin = len(guest.serial.text)
        for letter in line + "\r":
            guest.serial.send(letter)
        guest.serial.expect(re.escape(line) + r"[^\n]*\n[^\n]*" + re.escape(line), begin)
