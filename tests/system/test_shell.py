# SPDX-License-Identifier: BSD-2-Clause
"""Typing at the shell while it works."""

from harness import wait_for

MIB = 1 << 20


def test_ctrl_c_stops_alloc(boot):
    """Nothing is kept, what was typed behind it still counts, and the shell goes on."""
    guest = boot(memory="4G", reserve=False)
    free = guest.shell.machine("mem")["free"]
    begin = len(guest.serial.text)
    guest.serial.send("alloc 3G\r")
    wait_for(lambda: guest.rss() > 256 * MIB, "memory is taken", interval=0.002)
    guest.serial.send("\x03alloc 1M\r")
    end = guest.serial.expect(r"alloc: id 1, 1 MiB", begin).end()
    output = guest.serial.text[begin:end]
    assert "^C\r\nalloc: stopped: " in output and " of 3 GiB were taken and are free again" in output
    assert "alloc: failed: EINTR" in output
    guest.shell.finish(end)
    assert "free: 1 MiB" in guest.shell.run("free")
    assert abs(guest.shell.machine("mem")["free"] - free) < 4 * MIB
