# SPDX-License-Identifier: BSD-2-Clause
"""Connections over a bad wire: frames get lost, doubled, out of order and late; the link goes away."""

import random
import time

import pytest
from harness.net import GUEST6, STATIC, echo
from harness.net_wire import Plan, Wire
from harness.qemu import ROOT

ECHO = 7
BAD = {"loss": 0.01, "double": 0.05, "swap": 0.1, "delay": 0.003}


def serving(boot, link, options="", **more):
    """A guest whose echo server is reached over a tap device or a wire."""
    guest = boot(app="echo", append=STATIC, ready=False, **link.attach(options), **more)
    guest.serial.expect("echo: serving port 7")
    return guest


def noise(size, seed=1):
    """Bytes that look like nothing else."""
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("faults", [{}, {"loss": 0.02}, {"double": 0.2}, {"swap": 0.2}, {"delay": 0.02}, BAD],
                         ids=["none", "loss", "double", "swap", "delay", "all"])
def test_stream_over_a_bad_wire(boot, network, faults):
    """A stream to the guest and back arrives byte by byte as it was sent."""
    with Wire(network.tap(vnet=False)) as wire:
        serving(boot, wire)
        wire.plan(**faults)
        data = noise(600_000)
        with network.connect(ECHO) as connection:
            assert echo(connection, data) == data
        for count, share in (("lost", "loss"), ("doubled", "double"), ("swapped", "swap")):
            assert (wire.counts[count] > 5) == (share in faults), (count, wire.counts)


def test_connections_over_a_bad_wire(boot, network):
    """Four streams at once to a guest with two processors."""
    with Wire(network.tap(vnet=False), seed=9) as wire:
        serving(boot, wire, cpus=2)
        wire.plan(**BAD)
        connections = [network.connect(ECHO) for _ in range(4)]
        for seed, connection in enumerate(connections):
            connection.sendall(noise(100_000, seed))
        for seed, connection in enumerate(connections):
            with connection:
                assert echo(connection, noise(100_000, seed + 9)) == noise(100_000, seed) + noise(100_000, seed + 9)


def test_pages_over_a_bad_wire_by_ipv6(boot, network):
    """Three hundred requests on one connection, sent before the first answer is read."""
    page = (ROOT / "apps/httpd/www/index.html").read_bytes()
    with Wire(network.tap(vnet=False), seed=3) as wire:
        guest = boot(app="full", append=STATIC, **wire.attach())
        guest.serial.expect("httpd: serving port")
        wire.plan(**BAD)
        with network.connect(80, GUEST6) as connection:
            answers = echo(connection, b"GET / HTTP/1.1\r\n\r\n" * 300)
        assert answers.count(page) == answers.count(b"HTTP/1.1 200") == 300
        assert guest.shell.machine("netstat")["checksum_errors"] == 0


def test_one_direction_is_deaf(boot, network):
    """Nothing of what the guest sends arrives for seconds: it repeats, and the stream goes on."""
    with Wire(network.tap(vnet=False)) as wire:
        serving(boot, wire)
        data = noise(1 << 20)

        def deaf():
            wire.plans["out"] = Plan(loss=1)
            time.sleep(3)
            wire.plans["out"] = Plan()

        with network.connect(ECHO) as connection:
            assert echo(connection, data, deaf) == data
        assert wire.counts["lost"] > 1


def test_link_down_and_up(boot, network):
    """A connection lives on when its link was away for seconds."""
    guest = serving(boot, network.tap())
    data = noise(4 << 20)

    def away():
        guest.qmp("set_link", name="nic", up=False)
        guest.serial.expect("net0: link down")
        time.sleep(2)
        mark = len(guest.serial.text)
        guest.qmp("set_link", name="nic", up=True)
        guest.serial.expect("net0: link up", mark)

    with network.connect(ECHO) as connection:
        assert echo(connection, data, away) == data
