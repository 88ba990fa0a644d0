# SPDX-License-Identifier: BSD-2-Clause
"""Network devices, below the stack."""

import itertools
import socket
import threading

import pytest
from harness import wait_for
from harness.machine import MACHINE
from harness.qemu import ROOT

USER = ("-netdev", "user,id=net0", "-device")
ARP = "test net_arp_request_is_answered"


def start(boot, options="", **more):
    """A guest with a device on the user network."""
    return boot(args=(*USER, f"virtio-net-pci,id=nic,netdev=net0{options}"), **more)


def passes(guest):
    """The self-test says so; a test that is skipped proves nothing."""
    text = guest.shell.run(ARP)
    return "ok 1 net_arp" in text and "not ok" not in text and "SKIP" not in text


@pytest.mark.parametrize("mrg, event, ctrl", itertools.product(("on", "off"), repeat=3))
def test_offered_features(boot, mrg, event, ctrl):
    """Raw frames go out and come in whatever the device offers."""
    guest = start(boot, f",mrg_rxbuf={mrg},event_idx={event},ctrl_vq={ctrl},indirect_desc={event}", cpus=2)
    assert passes(guest)
    counts = guest.shell.machine("net")
    assert counts["net0_rx_frames"] >= 20 and counts["net0_tx_frames"] == 20
    assert counts["net0_rx_errors"] == counts["net0_tx_lost"] == counts["net0_tx_refused"] == 0


@pytest.mark.parametrize("options", [",vectors=0", ",vectors=2", ",host_mtu=9000,mrg_rxbuf=off", ",rx_queue_size=1024",
                                     ",host_mtu=65535,mrg_rxbuf=off"])
def test_device_options(boot, options):
    """Few interrupt vectors, large frames without merging, deep rings."""
    guest = start(boot, options, machine=MACHINE.other)
    assert passes(guest)
    if "host_mtu" in options:
        assert f"mtu {options.split('=')[1].split(',')[0]} " in guest.shell.run("net")


def test_link(boot):
    """The link goes down and up at the host; the guest knows, and sends again."""
    guest = start(boot)
    assert guest.shell.machine("net")["net0_link"] == 1
    guest.qmp("set_link", name="nic", up=False)
    wait_for(lambda: guest.shell.machine("net")["net0_link"] == 0, "link down in the guest")
    guest.qmp("set_link", name="nic", up=True)
    wait_for(lambda: guest.shell.machine("net")["net0_link"] == 1, "link up in the guest")
    assert passes(guest)


def test_no_device(boot):
    """Without a network device the command says so and the self-test is skipped."""
    guest = boot()
    assert "no network device" in guest.shell.run("net")
    assert "# SKIP no network device" in guest.shell.run(ARP)


def test_connections_survive_a_reset(boot):
    """Data flows through a TCP connection while its device is reset again and again: nothing lost, nothing twice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    guest = boot(app="full", cpus=2, args=("-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:80",
                                           "-device", "virtio-net-pci,netdev=net0"))
    guest.serial.expect("httpd: serving port")
    wait_for(lambda: guest.shell.machine("netstat").get("net0_ip") == "10.0.2.15", "an address from DHCP")
    page = (ROOT / "apps/httpd/www/index.html").read_bytes()
    requests, resets, got = 3000, 4, []

    def ask():
        with socket.create_connection(("127.0.0.1", port), 60) as connection, connection.makefile("rb") as stream:
            for number in range(requests):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: neap\r\n\r\n")
                while stream.readline().strip():
                    pass
                got.append(stream.read(len(page)) == page)
                if number % 100 == 0:
                    going.set()

    going = threading.Event()
    client = threading.Thread(target=ask)
    client.start()
    for _ in range(resets):
        going.clear()
        assert going.wait(60), "the connection makes no progress"
        guest.shell.run("reset net0")
    client.join(120)
    assert len(got) == requests and all(got)
    assert guest.shell.machine("netstat")["net0_ip"] == "10.0.2.15"
    assert guest.shell.machine("netstat")["checksum_errors"] == 0
