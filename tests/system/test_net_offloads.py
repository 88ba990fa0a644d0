# SPDX-License-Identifier: BSD-2-Clause
"""What the device does for the guest: sums, cutting and merging, judged by frames captured on the link."""

import random
import re
import socket
import subprocess

import pytest
from harness.net import GUEST4, GUEST6, HOST4, HOST6, STATIC, echo
from harness.net_frames import NEEDS_CSUM, UDP, captured, finish, problems, stream

ECHO = 7
WHOLE = 1514
FRAGMENT = 44  # the next header of IPv6's fragments
NO_SUCH_NAME = b"\x81\x83"
DATA = random.Random(5).randbytes(700_000)
OPTIONS = {
    "none": ",csum=off,guest_csum=off,gso=off",
    "sums": ",guest_tso4=off,guest_tso6=off,guest_ufo=off,host_tso4=off,host_tso6=off,host_ufo=off",
    "all": "",
    "all,unmerged": ",mrg_rxbuf=off",
}


def exchange(boot, network, options, queues=1):
    """Echo the data through a guest; returns what was captured: [(header, frame, goes to the guest)]."""
    tap = network.tap(queues=queues)
    guest = boot(app="echo", append=STATIC, ready=False, cpus=queues, **tap.attach(options))
    guest.serial.expect("echo: serving port 7")
    with tap.capture() as capture, network.connect(ECHO) as connection:
        assert echo(connection, DATA) == DATA
        frames = captured(capture)
    guest.qmp("quit")
    return frames


@pytest.mark.parametrize("name", OPTIONS)
def test_frames_are_right(boot, network, name):
    """Whatever the device takes over, the same bytes go over the wire in whole segments with right sums."""
    frames = exchange(boot, network, OPTIONS[name])
    sent = [(header, frame) for header, frame, to_guest in frames if not to_guest]
    assert any(header[0] & NEEDS_CSUM for header, _ in sent) == (name != "none")
    on_wire = [segment for header, frame in sent for segment in finish(header, frame)]
    for frame in on_wire:
        assert not problems(frame), (problems(frame), frame.hex())
        assert len(frame) <= WHOLE
    assert stream(on_wire, ECHO) == DATA
    large = [frame for _, frame, to_guest in frames if to_guest and len(frame) > WHOLE]
    assert bool(large) == name.startswith("all"), f"{len(large)} frames above the MTU came in"
    longest = max(len(frame) for _, frame in sent)
    assert longest > 2 * WHOLE if name.startswith("all") else longest == WHOLE


@pytest.mark.parametrize("mtu", [68, 576, 1280, 1500, 4000, 9000, 16110, 65535])
def test_mtu(boot, network, mtu):
    """The MTU that the device names is kept, by segments and by fragments, and made use of."""
    tap = network.tap(mtu=min(mtu, 65521), addresses=(f"{HOST4}/24",))
    guest = boot(app="full", append=STATIC.split()[0] + " ip6=off", **tap.attach(f",host_mtu={mtu}"))
    assert guest.shell.machine("net")["net0_mtu"] == mtu
    with tap.capture() as capture:
        for size in (0, 1, mtu - 28, mtu - 27, 3 * mtu) if mtu < 20000 else (0, 30000, 65507):
            text = network.run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "9", "-s", str(size), GUEST4, check=False)
            assert "2 packets transmitted, 2 received" in text, (size, text)
        guest.serial.expect("httpd: serving port")
        with network.connect(80) as connection:
            text = echo(connection, b"GET / HTTP/1.1\r\n\r\n" * 60)
        assert text.count(b"HTTP/1.1 200 OK") == 60
        sent = [(header, frame) for header, frame, to_guest in captured(capture) if not to_guest]
    on_wire = [part for header, frame in sent for part in finish(header, frame)]
    assert 0.9 * mtu < max(len(frame) for frame in on_wire) <= mtu + 14
    assert not any(problems(frame) for frame in on_wire)


@pytest.mark.parametrize("options, mtu", [("none", 1500), ("sums", 1500), ("sums", 1000)])
def test_datagrams_are_right(boot, network, options, mtu):
    """The device sums UDP that fits into a frame, the guest what it cuts into fragments; every sum is right."""
    tap = network.tap(mtu=mtu, addresses=(f"{HOST4}/24",))
    guest = boot(app="full", append=STATIC.split()[0] + " ip6=off", **tap.attach(OPTIONS[options] + f",host_mtu={mtu}"))
    peer = network.start("iperf", "-s", "-u", "-P", "1", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with tap.capture() as capture:
        report = guest.shell.run(f"iperf -c {HOST4} -u 1")
        assert re.search(r"of [1-9]\d+ datagrams", report), report
        text = peer.communicate(timeout=60)[0]
        frames = [(header, frame) for header, frame, to_guest in captured(capture) if not to_guest]
    lost, count = map(int, re.search(r" (\d+)/ *(\d+) ", text).groups())
    assert count - lost > 50, text
    # The peer's kernel puts fragments together and checks the sum of the whole.
    assert "UdpInCsumErrors                 0 " in network.run("nstat", "-asz", "UdpInCsumErrors")
    sent = [(header, frame) for header, frame in frames if frame[12:14] == b"\x08\0" and frame[23] == UDP]
    first = [(header, frame) for header, frame in sent if not (frame[20] & 0x1F or frame[21])]
    assert len(first) > 50 and (len(sent) > len(first)) == (mtu < 1500)
    for header, frame in first:
        whole = mtu == 1500 or len(frame) < mtu
        assert bool(header[0] & NEEDS_CSUM) == (whole and options != "none")
        [finished] = finish(header, frame)
        assert any(finished[40:42]), "a datagram without a sum"
        assert not problems(finished), problems(finished)


@pytest.mark.parametrize("options", ["none", "sums"])
def test_datagrams_are_right_by_ipv6(boot, network, options):
    """No datagram may go without a sum there: questions to a name server, and what is cut into fragments."""
    tap = network.tap()
    guest = boot(app="full", append=f"ip=off ip6={GUEST6}/64,{HOST6} dns={HOST6}", **tap.attach(OPTIONS[options]))
    peer = network.start("iperf", "-s", "-u", "-V", "-P", "1", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with network.socket(socket.AF_INET6, socket.SOCK_DGRAM) as names, tap.capture() as capture:
        names.bind((HOST6, 53))
        begin = guest.shell.start("nslookup neap.test")
        for _ in range(2):  # by IPv4 and by IPv6
            query, client = names.recvfrom(1500)
            names.sendto(query[:2] + NO_SUCH_NAME + query[4:], client)
        assert "no address found" in guest.shell.finish(begin)
        report = guest.shell.run(f"iperf -c {HOST6} -u 1")
        assert re.search(r"of [1-9]\d+ datagrams", report), report
        text = peer.communicate(timeout=60)[0]
        sent = [(header, frame) for header, frame, to_guest in captured(capture)
                if not to_guest and frame[12:14] == b"\x86\xdd"]
    lost, count = map(int, re.search(r" (\d+)/ *(\d+) ", text).groups())
    assert count - lost > 50, text
    assert "Udp6InCsumErrors                0 " in network.run("nstat", "-asz", "Udp6InCsumErrors")
    assert not any(header[0] & NEEDS_CSUM for header, frame in sent if frame[20] == FRAGMENT)
    whole = [(header, frame) for header, frame in sent if frame[20] == UDP]
    assert len(whole) >= 2 and sum(frame[20] == FRAGMENT for _, frame in sent) > 100
    for header, frame in whole:
        assert bool(header[0] & NEEDS_CSUM) == (options != "none")
        [finished] = finish(header, frame)
        assert any(finished[60:62]), "a datagram without a sum"
        assert not problems(finished), problems(finished)
