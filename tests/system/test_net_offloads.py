# SPDX-License-Identifier: BSD-2-Clause
"""What the device does for the guest: sums, cutting and merging, judged by frames captured on the link."""

import random

import pytest
from harness.net import GUEST4, HOST4, STATIC, echo
from harness.net_frames import NEEDS_CSUM, captured, finish, problems, stream

ECHO = 7
WHOLE = 1514
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
