# SPDX-License-Identifier: BSD-2-Clause
"""Random numbers: where they come from on this machine, with an entropy device and without."""

import pytest
from harness import wait_for
from harness.machine import ARCH

RNG = ("-device", "virtio-rng-pci,id=rng")
NO_RANDOM = {"x86_64": "max,-rdrand", "s390x": "max,prno-trng=off"}


@pytest.mark.parametrize("cpus", [1, 2])
def test_entropy_device(boot, cpus):
    """It gives at the start, and again after it was reset."""
    guest = boot(cpus=cpus, args=RNG)
    before = wait_for(lambda: guest.shell.machine("random")["virtio_bytes"], "bytes from the device")
    guest.shell.run("reset rng0")
    wait_for(lambda: guest.shell.machine("random")["virtio_bytes"] > before, "more from the device")


def test_processor(boot):
    """Without a device, the processor's own numbers do."""
    values = boot().shell.machine("random")
    assert values["ready"] == 1 and values["processor_bits"] >= 256


def test_nothing_to_guess_from(boot):
    """A processor without random numbers, and nothing but its clock: nobody is told that such numbers are random."""
    guest = boot(cpu=NO_RANDOM[ARCH])
    text = guest.shell.run("random")
    assert "give the guest a virtio-rng device" in text and "not ready: 0 bits" in text


def test_device_makes_up_for_it(boot):
    """There, an entropy device is enough."""
    guest = boot(cpu=NO_RANDOM[ARCH], args=RNG)
    wait_for(lambda: guest.shell.machine("random")["ready"] == 1, "bytes from the device")
