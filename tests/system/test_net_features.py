# SPDX-License-Identifier: BSD-2-Clause
"""Every combination of what a network device may offer: negotiated as it should be, and data both ways."""

import functools
import itertools
import random

import pytest
from harness.machine import MACHINE
from harness.net import STATIC, echo
from harness.qemu import device_help

ECHO = 7
DATA = random.Random(7).randbytes(150_000)
TX = {"plain": "csum=off,gso=off", "sum": "gso=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off", "tso": "gso=on"}
RX = {"plain": "guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off",
      "sum": "guest_csum=on,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off",
      "lro": "guest_csum=on,guest_tso4=on,guest_tso6=on,guest_ecn=on,guest_ufo=off"}
BITS = {"CSUM": 0, "GUEST_CSUM": 1, "GUEST_TSO4": 7, "HOST_TSO4": 11, "MRG_RXBUF": 15, "MQ": 22, "EVENT_IDX": 29,
        "RING_PACKED": 34}
COMBINATIONS = list(itertools.product((0, 1), TX, RX, (0, 1), (0, 1)))


@functools.cache
def offers(name):
    """Does this QEMU have the property?"""
    return f"  {name}=" in device_help("virtio-net-pci")


def odd(combination):
    """Half of the combinations have a packed ring or an ordered one offered, too."""
    merged, tx, rx, queues, event = combination
    return (merged + list(TX).index(tx) + list(RX).index(rx) + queues + event) % 2


def name_of(combination):
    """Such as merged,tx-tso,rx-lro,mq,event,packed."""
    merged, tx, rx, queues, event = combination
    return ",".join(["merged" if merged else "big", f"tx-{tx}", f"rx-{rx}"] + ["mq"] * queues + ["event"] * event
                    + ["packed"] * odd(combination))


def negotiated(guest):
    """Feature bits that the driver accepted, and that were offered."""
    match = guest.serial.expect(rf"net0 {MACHINE.bus} \S+: ready, features 0x([0-9a-f]+) of 0x([0-9a-f]+)")
    return int(match[1], 16), int(match[2], 16)


@pytest.mark.parametrize("combination", COMBINATIONS, ids=name_of)
def test_offer(boot, network, combination):
    """The driver takes what it can use and nothing that was not offered; a stream comes back as it was sent."""
    merged, tx, rx, queues, event = combination
    packed = odd(combination)
    options = ["", f"mrg_rxbuf={'on' if merged else 'off'}", TX[tx], RX[rx], f"event_idx={'on' if event else 'off'}",
               f"packed={'on' if packed else 'off'}"]
    if offers("in_order"):
        options.append(f"in_order={'on' if packed != event else 'off'}")
    tap = network.tap(queues=1 + queues)
    guest = boot(app="echo", append=STATIC, ready=False, cpus=1 + queues, **tap.attach(",".join(options)))
    guest.serial.expect("echo: serving port 7")
    for _ in range(2 if queues else 1):
        with network.connect(ECHO) as connection:
            assert echo(connection, DATA) == DATA
    accepted, offered = negotiated(guest)
    assert accepted & ~offered == 0
    wanted = {"MRG_RXBUF": merged, "CSUM": tx != "plain", "HOST_TSO4": tx == "tso", "GUEST_CSUM": rx != "plain",
              "GUEST_TSO4": rx == "lro", "MQ": queues, "EVENT_IDX": event, "RING_PACKED": packed}
    assert {name: accepted >> BITS[name] & 1 for name in wanted} == {name: int(want) for name, want in wanted.items()}
