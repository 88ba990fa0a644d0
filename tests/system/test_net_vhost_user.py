# SPDX-License-Identifier: BSD-2-Clause
"""The rings served by another process than QEMU: a switch in user space, by vhost-user."""

import random

import pytest
from harness import wait_for
from harness.net import STATIC, echo
from harness.vhost_user import Switch

ECHO = 7
DATA = random.Random(5).randbytes(2 << 20)


@pytest.fixture
def switch(network, tmp_path):
    """A switch with one port; its path, and the arguments of guests for it."""
    def starter(pairs=1):
        made = Switch(tmp_path / "switch", network.tap(vnet=False), pairs)
        switches.append(made.__enter__())
        return made, Switch.attach(tmp_path / "switch", pairs=pairs)

    switches = []
    yield starter
    for made in switches:
        made.__exit__()
        if made.problem:
            raise made.problem


def serving(boot, link, **more):
    """A guest with an echo server."""
    guest = boot(app="echo", append=STATIC, ready=False, **link, **more)
    guest.serial.expect("echo: serving port 7")
    return guest


@pytest.mark.parametrize("pairs", [1, 2])
def test_serves_through_a_switch(boot, network, switch, pairs):
    """Streams to the guest and back arrive byte by byte; frames come in by every pair of queues."""
    made, link = switch(pairs)
    serving(boot, link, cpus=pairs)
    for _ in range(4):
        with network.connect(ECHO) as connection:
            assert echo(connection, DATA) == DATA
    assert made.counts["out"] > 4 * len(DATA) // 1514 and made.counts["in"] > 4 * len(DATA) // 1514
    assert all(ring.frames > 1000 for ring in made.rings[::2])


def test_shared_memory_returns(boot, switch):
    """Memory that another process has mapped goes back to the host like any other."""
    guest = boot(app="full", memory="1G", append=STATIC, **switch()[1])
    guest.shell.run("alloc 512M")
    assert guest.rss() >= 512 << 20
    guest.shell.run("free")
    wait_for(lambda: guest.rss() < 48 << 20, "the memory on the host")


def test_switch_restarts(boot, network, switch):
    """A connection lives on over a switch that was away, and no frame of before makes trouble."""
    made, link = switch()
    guest = serving(boot, link)

    def restart():
        mark = len(guest.serial.text)
        made.restart()
        guest.serial.expect("net0: link down", mark)
        guest.serial.expect("net0: link up", mark)

    with network.connect(ECHO) as connection:
        assert echo(connection, DATA, restart) == DATA


def test_device_is_reset_under_a_switch(boot, network, switch):
    """The guest resets its device: the switch is told where the new rings are, and the connection lives on."""
    made, link = switch()
    guest = boot(app="full", append=STATIC, **link)
    guest.serial.expect("httpd: serving port")
    with network.connect(80) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_for(lambda: b"</html>" in connection.recv(1 << 16), "a page")
            before = made.counts["out"]
            guest.shell.run("reset net0")
    assert made.counts["out"] >= before > 0
