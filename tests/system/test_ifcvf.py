# SPDX-License-Identifier: BSD-2-Clause
"""IFC VF: a device outside of QEMU, reset and restored while frames go through it."""

import pytest
from harness import wait_for
from harness.ifcvf import RX, TX, IfcVf, Peer


@pytest.fixture
def devices():
    """The devices of a test; each ends behind its guest, and not before."""
    started = []
    yield started
    for vf in started:
        vf.server.close()
        assert vf.server.error is None, f"the device ended early: {vf.server.error!r}"


@pytest.fixture
def plug(tmp_path, devices, boot):
    """Start a guest with such a device: (guest, device, peer)."""
    def starter(**options):
        vf = IfcVf(tmp_path / "vf.sock", **options)
        devices.append(vf)
        vf.server.start()
        peer = Peer(vf)
        return boot(append=f"ip={Peer.GUEST}/24", cpus=2, app="full",
                    **vf.attach()), vf, peer
    return starter


def guest_pings(guest, count=5):
    """The guest's own pings all come back."""
    return f"{count} sent, {count} answered" in guest.shell.run(f"ping {Peer.ADDRESS} {count}")


def everything_answered(peer):
    """Each ping of ours once."""
    wait_for(lambda: len(peer.answers) == peer.asked, "the answers to all pings")
    return set(peer.answers.values()) == {1}


@pytest.mark.parametrize("vectors, policy", [(8, "one for each queue"), (2, "one for all queues"),
                                             (1, "one for everything")])
def test_frames_and_vectors(plug, vectors, policy):
    """Frames go and come with as many interrupt vectors as there are, before and after."""
    guest, vf, peer = plug(vectors=vectors)
    devices = guest.shell.run("devices")
    assert "1af4:1041  class 020000  ifcvf" in devices and policy in devices
    assert vf.accepted >> 33 & 1 and vf.accepted >> 36 & 1
    assert guest_pings(guest)
    guest.shell.run("reset net0 keep")
    assert policy in guest.shell.run("devices")
    assert guest_pings(guest)
    peer.ping(20)
    assert everything_answered(peer)


def test_goes_on_with_frames_in_flight(plug):
    """It holds frames that it has read when it is stopped: each is sent, once, and so with what it receives."""
    guest, vf, peer = plug()
    assert guest_pings(guest, 1)
    for number in range(1, 11):
        vf.hold = True
        peer.ping(8)
        wait_for(lambda: len(vf.queues[TX].read) >= 8, "answers in flight")
        assert len(peer.answers) == peer.asked - 8
        assert "reset:" not in guest.shell.run("reset net0 keep")
        vf.hold = False
        with vf.lock:
            vf.send_held()
        assert everything_answered(peer)
        assert vf.stops[-1][0] == TX and vf.stops[-1][2] >= 8 and len(vf.stops) == 2 * number
        assert vf.starts[-2:] == [(RX, vf.stops[-2][1]), (TX, vf.stops[-1][1])]
        assert vf.stops[-2][2] > 0, "no receive buffer was in flight"
    assert guest_pings(guest)
    counts = guest.shell.machine("net")
    assert counts["net0_tx_lost"] == counts["net0_rx_errors"] == 0
    assert "starts anew" not in guest.shell.run("log 200")


def test_goes_on_under_load(plug):
    """Pings come without a pause while it is saved and restored, again and again."""
    guest, vf, peer = plug()
    assert guest_pings(guest, 1)
    for _ in range(10):
        peer.ping(10)
        begin = guest.shell.start("reset net0 keep")
        peer.ping(10)
        guest.shell.finish(begin)
        # More than a ring holds would be lost above the device.
        wait_for(lambda: peer.asked - len(peer.answers) <= 20, "answers")
    assert everything_answered(peer)
    assert len(vf.stops) == 20
    assert guest_pings(guest)


def test_dirty_log(plug):
    """The pages that the guest counts are those that the device wrote to, through a reset as well."""
    guest, vf, peer = plug()
    assert guest_pings(guest, 1)
    guest.shell.run("ifcvf net0 on")
    peer.ping(30)
    assert everything_answered(peer)
    guest.shell.run("reset net0 keep")
    peer.ping(30)
    assert everything_answered(peer)
    assert guest.shell.machine("ifcvf")["net0_dirty_pages"] == len(vf.dirty) >= 30
    guest.shell.run("ifcvf net0 off")
    assert guest.shell.machine("ifcvf")["net0_dirty_pages"] == 0
    assert guest_pings(guest)


def test_without_its_bar(plug):
    """Without registers for it nothing can be kept, and nothing is harmed."""
    guest, vf, peer = plug(lm_bytes=0)
    assert guest_pings(guest)
    resets = vf.resets
    assert "cannot keep its queues" in guest.shell.run("reset net0 keep")
    assert vf.resets == resets
    peer.ping(5)
    assert everything_answered(peer)
