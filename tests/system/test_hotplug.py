# SPDX-License-Identifier: BSD-2-Clause
"""Devices behind channels: they come and go while the guest runs, and are of several ages (s390x)."""

import http.client

import pytest
from harness import HANG_SECONDS, wait_for
from harness.elastic import MIB
from harness.service import HTTP, forwarding


def gone(guest, device):
    """Unplug, and wait until the guest has let go of it."""
    begin = len(guest.serial.text)
    guest.qmp("device_del", id=device)
    guest.serial.expect(r"ccw: [0-9.]+: gone", begin)


def come(guest, name, driver, **options):
    """Plug in, and wait until the guest uses it."""
    begin = len(guest.serial.text)
    guest.qmp("device_add", driver=driver, **options)
    guest.serial.expect(rf"virtio: {name} [^\n]*: ready", begin)


@pytest.mark.parametrize("cpus", [1, 4])
def test_ccw_balloon_comes_back(boot, cpus):
    """It inflates before and after; in between the guest has its memory."""
    guest = boot(memory="512M", cpus=cpus, balloon="virtio-balloon-pci,id=balloon0,devno=fe.0.0042")
    for _ in range(3):
        guest.set_target(256 * MIB)
        wait_for(lambda: guest.balloon_actual() == 256 * MIB, "a full balloon")
        gone(guest, "balloon0")
        wait_for(lambda: guest.shell.machine("mem")["ballooned"] == 0, "memory that is the guest's again")
        assert "gone" in guest.shell.run("devices")
        come(guest, "balloon0", "virtio-balloon-ccw", id="balloon0", devno="fe.0.0042")


def test_ccw_new_device(boot):
    """A device that was not there at the start is found and used."""
    guest = boot(memory="256M", balloon=None)
    come(guest, "balloon0", "virtio-balloon-ccw", id="late", devno="fe.0.0777")
    guest.set_target(128 * MIB)
    wait_for(lambda: guest.balloon_actual() == 128 * MIB, "a full balloon")


def test_ccw_network_comes_back(boot):
    """A service is reached again through a network device that was exchanged."""
    args, (port,) = forwarding(HTTP)
    args[-1] += ",id=nic,devno=fe.0.0100"
    guest = boot(app="full", args=args, cpus=2)
    guest.serial.expect(r"address 10\.0\.2\.15")

    def get():
        client = http.client.HTTPConnection("127.0.0.1", port, HANG_SECONDS)
        client.request("GET", "/")
        assert client.getresponse().status == 200

    get()
    gone(guest, "nic")
    come(guest, "net0", "virtio-net-ccw", id="nic", netdev="n0", devno="fe.0.0100")
    get()


@pytest.mark.parametrize("cpus", [1, 4])
def test_ccw_classic_indicators(boot, cpus):
    """Where there are no adapter interrupts, those of the subchannel do the same."""
    args, (port,) = forwarding(HTTP)
    guest = boot(app="full", args=args, cpus=cpus, append="indicators=classic", memory="512M")
    assert "interrupts of the subchannel" in guest.shell.run("devices")
    guest.serial.expect(r"address 10\.0\.2\.15")
    for _ in range(20):
        client = http.client.HTTPConnection("127.0.0.1", port, HANG_SECONDS)
        client.request("GET", "/")
        assert client.getresponse().status == 200
    for size in (256 * MIB, 512 * MIB):
        guest.set_target(size)
        wait_for(lambda: guest.balloon_actual() == size, "the size that was asked for")


def test_ccw_revision_1(boot):
    """A device that cannot be asked for its status, beside one that is too old."""
    guest = boot(memory="256M", balloon="virtio-balloon-pci,id=balloon0,max_revision=1",
                 args=["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,max_revision=0"])
    assert "legacy devices are not supported" in guest.serial.text
    for size in (128 * MIB, 256 * MIB):
        guest.set_target(size)
        wait_for(lambda: guest.balloon_actual() == size, "the size that was asked for")
