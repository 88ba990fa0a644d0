# SPDX-License-Identifier: BSD-2-Clause
"""tools/trace-decode reads rings of both byte orders out of any surroundings."""

import struct

import pytest


def ring(order, events, capacity, cpu=0, version=1, arch=b"test"):
    """A ring after these events (begin_ns, reason) went through it."""
    slots = [bytes(48)] * capacity
    for number, (begin, reason) in enumerate(events):
        slots[number % capacity] = struct.pack(order + "QQQQQIHH", begin, begin + 5, 0x1000, 0xabc, 14, cpu, reason, 0)
    header = struct.pack(order + "8sIIIIQII24s", b"NEAPTRC1", 0x01020304, version, 48, capacity, len(events), cpu, 0, arch)
    return header + b"".join(slots)


@pytest.fixture
def decode(root, run, tmp_path):
    """Decode a dump of these bytes."""
    def runner(data, *options):
        (tmp_path / "dump").write_bytes(data)
        return run(root / "tools/trace-decode", *options, tmp_path / "dump")
    return runner


def begins(output):
    """The begin_ns values of --machine lines."""
    return [int(line.split()[0].split("=")[1], 16) for line in output.splitlines()]


@pytest.mark.parametrize("order", "<>", ids=["little", "big"])
def test_byte_orders(decode, order):
    """Values come out the same whatever the machine."""
    status, output = decode(b"x" * 13 + ring(order, [(7, 3)], 4, cpu=2), "--machine")
    assert status == 0
    assert output == "begin_ns=0x7 end_ns=0xc pc=0x1000 address=0xabc code=0xe cpu=0x2 reason=0x3\n"


def test_rings_are_merged_by_time(decode):
    """Two CPUs."""
    data = ring("<", [(1, 1), (4, 1)], 8) + bytes(100) + ring("<", [(2, 2), (3, 2)], 8, cpu=1)
    assert begins(decode(data, "--machine")[1]) == [1, 2, 3, 4]


def test_wrapped_ring(decode):
    """The oldest record of a full ring may be half written: it is left out."""
    assert begins(decode(ring("<", [(n, 1) for n in range(10)], 4), "--machine")[1]) == [7, 8, 9]


def test_table(decode):
    """For people: names of reasons, the architecture."""
    output = decode(ring("<", [(1500000000, 3)], 4, arch=b"s390x"))[1]
    assert "1 events, s390x" in output and "1.500000000" in output and "kick" in output


@pytest.mark.parametrize("data", [bytes(1000), b"NEAPTRC1", b"NEAPTRC1" + bytes(200), ring("<", [(1, 1)], 4, version=9),
                                  ring("<", [(1, 1)], 4)[:-1]],
                         ids=["zeros", "short", "magic-only", "version", "truncated"])
def test_no_ring(decode, data):
    """The magic alone, as in the image's own constants, is no ring."""
    status, output = decode(data)
    assert status == 1 and "no event record" in output
