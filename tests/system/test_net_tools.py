# SPDX-License-Identifier: BSD-2-Clause
"""The shell's network tools against Debian's: iperf in both directions."""

import re
import subprocess

import pytest
from harness import wait_for
from harness.net import GUEST4, GUEST6, HOST4, HOST6, STATIC, needs


@pytest.fixture
def guest(boot, network):
    """A guest with a shell behind a tap device; skips where there is no iperf."""
    if needs("iperf"):
        pytest.skip("no iperf here: tools/install test")
    made = boot(app="full", append=STATIC, cpus=2, **network.tap().attach())
    made.serial.expect("httpd: serving port")
    return made


def result(text):
    """(bytes, milliseconds) of a test as the guest saw it."""
    match = re.search(r"^(\d+) bytes in (\d+) ms, \d+ Mbit/s", text, re.MULTILINE)
    assert match, text
    return int(match[1]), int(match[2])


@pytest.mark.parametrize("address", [GUEST4, GUEST6])
def test_iperf_serves_tcp(network, guest, address):
    """iperf sends for a second; both count the same bytes."""
    begin = guest.shell.start("iperf -s")
    guest.serial.expect("serving TCP port 5001", begin)
    text = network.run("iperf", "-c", address, "-t", "1", "-f", "k", *(["-V"] if ":" in address else []))
    got, took = result(guest.shell.finish(begin))
    sent = re.findall(r" ([\d.]+) KBytes ", text)
    assert sent, text
    assert abs(got - float(sent[-1]) * 1024) < 300 * 1024 and got > 1 << 20 and took >= 900


@pytest.mark.parametrize("address", [HOST4, HOST6])
def test_iperf_sends_tcp(network, guest, address):
    """The guest sends for a second; iperf gets every byte of it."""
    command = ["iperf", "-s", "-P", "1", "-f", "b", *(["-V"] if ":" in address else [])]
    peer = network.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: "1 answered" in guest.shell.run(f"ping {address} 1"), "a way to the host")
    wait_for(lambda: ":5001 " in network.run("ss", "-ltnH"), "iperf to listen")
    sent, took = result(guest.shell.run(f"iperf -c {address} 1"))
    text = peer.communicate(timeout=60)[0]
    counts = re.findall(r" (\d+) Bytes ", text)
    assert counts, text
    got = int(counts[-1])
    assert sent - 64 <= got <= sent, text  # iperf 2.1 does not count what it takes for its first header
    assert sent > 1 << 20 and took >= 1000


def test_iperf_serves_udp(network, guest):
    """The guest counts iperf's datagrams, and iperf understands the answer."""
    begin = guest.shell.start("iperf -s -u")
    guest.serial.expect("serving UDP port 5001", begin)
    text = network.run("iperf", "-c", GUEST4, "-u", "-t", "1", "-b", "4m", "-l", "1000")
    report = guest.shell.finish(begin)
    got, _ = result(report)
    lost, count = map(int, re.search(r"(\d+) of (\d+) datagrams lost", report).groups())
    assert "Server Report" in text and "WARNING" not in text, text
    assert count > 400 and got >= (count - lost) * 1000


def test_iperf_sends_udp(network, guest):
    """iperf numbers the guest's datagrams as the guest did, and tells it the end."""
    peer = network.start("iperf", "-s", "-u", "-P", "1", "-f", "k", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    report = guest.shell.run(f"iperf -c {HOST4} -u 1")
    count = int(re.search(r"of (\d+) datagrams", report)[1])
    text = peer.communicate(timeout=60)[0]
    match = re.search(r" (\d+)/ *(\d+) ", text)
    assert match and abs(int(match[2]) - count) <= 1, (text, report)


@pytest.mark.parametrize("size", [60, 1514])
def test_pktgen(guest, size):
    """As many frames leave the guest as were asked for."""
    before = guest.shell.machine("net")["net0_tx_frames"]
    text = guest.shell.run(f"pktgen 20000 {size}")
    assert f"20000 frames of {size} bytes" in text
    wait_for(lambda: guest.shell.machine("net")["net0_tx_frames"] >= before + 20000, "the frames")
    assert guest.shell.machine("net")["net0_tx_lost"] == 0
    assert "usage: pktgen" in guest.shell.run("pktgen 1 13") and "usage: pktgen" in guest.shell.run("pktgen 0")
