# SPDX-License-Identifier: BSD-2-Clause
"""The host moves the guest while clients talk to it: connections live on, and the network learns of the new place."""

import random
import socket
import struct

from harness import wait_for
from harness.migration import move
from harness.net import GUEST4, STATIC, echo
from harness.net_frames import ETH_ARP
from harness.net_wire import Wire

ECHO = 7
DATA = random.Random(11).randbytes(6 << 20)


def announcements(heard):
    """ARP packets in which a guest tells everybody its own address."""
    mine = socket.inet_aton(GUEST4)
    return [frame for frame in heard if struct.unpack_from("!H", frame, 12)[0] == ETH_ARP
            and frame[:6] == b"\xff" * 6 and frame[28:32] == frame[38:42] == mine]


def test_migration_under_traffic(boot, network, tmp_path):
    """A stream goes on byte by byte in the copy, over the same connection; so do connections that were quiet."""
    with Wire(network.tap(vnet=False)) as wire:
        guest = boot(app="echo", append=STATIC, ready=False, cpus=2, **wire.attach())
        guest.serial.expect("echo: serving port 7")
        quiet = [network.connect(ECHO) for _ in range(20)]
        heard = []

        def migrate():
            there = wire.attach()
            copy = boot(app="echo", append=STATIC, ready=False, cpus=2, fds=there["fds"],
                        args=(*there["args"], "-incoming", f"unix:{tmp_path}/socket"))
            wire.listener = lambda direction, frame: heard.append(frame) if direction == "out" else None
            move(guest, copy, f"unix:{tmp_path}/socket")
            guest.qmp("quit")

        with network.connect(ECHO) as connection:
            assert echo(connection, DATA, migrate) == DATA
        wait_for(lambda: announcements(heard), "the guest's own announcement")
        for number, connection in enumerate(quiet):
            with connection:
                assert echo(connection, b"%d" % number * 5000) == b"%d" % number * 5000
