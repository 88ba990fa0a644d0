# SPDX-License-Identifier: BSD-2-Clause
"""Memory devices (virtio-mem) of a guest, and what the host asks of them."""

import dataclasses

from . import wait_for

MIB = 1 << 20
GIB = 1 << 30


@dataclasses.dataclass
class Elastic:
    """One memory device: its region, and what it offers at the start; sizes in bytes."""
    size: int
    block: int = 2 * MIB
    requested: int = 0
    node: int = None
    options: str = ""  # further properties of the device, with a comma before each


def elastic_args(devices):
    """The arguments of QEMU for these devices, named vmem0, vmem1, ..."""
    args = []
    for number, device in enumerate(devices):
        node = "" if device.node is None else f",node={device.node}"
        args += ["-object", f"memory-backend-ram,id=vram{number},size={device.size},reserve=off",
                 "-device", f"virtio-mem-pci,id=vmem{number},memdev=vram{number},block-size={device.block},"
                            f"requested-size={device.requested}{node}{device.options}"]
    return args


def path(number):
    """Where QEMU keeps the device."""
    return f"/machine/peripheral/vmem{number}"


def request(guest, size, number=0):
    """Ask the guest for a plugged size without waiting for it."""
    guest.qmp.set(path(number), "requested-size", size)


def plugged(guest, number=0):
    """Bytes that the device has plugged."""
    return guest.qmp.get(path(number), "size")


def settle(guest, size, number=0):
    """Ask for a plugged size and wait until the device has exactly that."""
    request(guest, size, number)
    wait_for(lambda: plugged(guest, number) == size, f"device {number} at {size // MIB} MiB", interval=0.02)


def check_elastic(guest, number=0, resets=0):
    """Guest and host agree to the byte, and the guest has nothing to complain about."""
    def at_rest():
        state = guest.shell.machine("vmem")
        return state if state[f"mem{number}.state"] == "idle" else None

    inside = wait_for(at_rest, "an idle device")
    assert inside[f"mem{number}.plugged_bytes"] == plugged(guest, number)
    assert resets is None or inside[f"mem{number}.resets"] == resets
    return inside
