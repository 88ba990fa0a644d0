# SPDX-License-Identifier: BSD-2-Clause
"""Frames that hardly make sense: good ones of every protocol, damaged at places that matter."""

import random
import socket
import struct

from .net import GUEST4, GUEST6, HOST4, HOST6
from .net_frames import ETH_ARP, ICMP, ICMP6, TCP, UDP, csum, ethernet, ipv4, ipv6, tcp, udp, with_sums

NEIGHBOUR = "10.5.3.200"  # not the host: whoever lies well enough about its address is believed
EVERYBODY6, LINK_LOCAL = "ff02::1", "fe80::99"
EDGES = (0, 1, 2, 4, 5, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFE, 0xFF)


def icmp(kind, code=0, rest=bytes(4), data=b""):
    """An ICMP message, with sum for IPv4."""
    text = struct.pack("!BBH", kind, code, 0) + rest + data
    return text[:2] + struct.pack("!H", 0xFFFF ^ csum(text)) + text[4:]


def arp(operation, mac, sender, target_mac, target):
    """An ARP packet for Ethernet and IPv4."""
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac + socket.inet_aton(sender) + target_mac + \
        socket.inet_aton(target)


def seeds(mac, guest):
    """Good frames, from a stranger's address to the guest's."""
    def four(protocol, payload, source=HOST4, target=GUEST4, **fields):
        return ethernet(mac, guest, ipv4(source, target, protocol, payload, **fields))

    def six(protocol, payload, source=HOST6, target=GUEST6, hops=255):
        return ethernet(mac, guest, ipv6(source, target, protocol, payload, hops))

    target6, mac_option = socket.inet_pton(socket.AF_INET6, GUEST6), b"\x01\x01" + mac
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, "fd66::")
    dns = struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0) + b"\4peer\4test\0\0\1\0\1" + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4abcd"
    dhcp = struct.pack("!BBBBI", 2, 1, 6, 0, 1) + bytes(20) + guest + bytes(202) + bytes.fromhex("63825363350102ff")
    options = struct.pack("!BBHBBB", 2, 4, 1460, 3, 3, 2) + b"\1\1\x04\x02\0"
    syn = bytearray(tcp(4242, 80, 1000, 0, 2) + options)
    syn[12] = (len(syn) // 4) << 4
    return [
        guest + mac + struct.pack("!H", ETH_ARP) + arp(1, mac, NEIGHBOUR, bytes(6), GUEST4) + bytes(18),
        guest + mac + struct.pack("!H", ETH_ARP) + arp(2, mac, NEIGHBOUR, guest, GUEST4) + bytes(18),
        four(ICMP, icmp(8, data=bytes(56))), four(ICMP, icmp(3, 4, b"\0\0\x05\0", ipv4(GUEST4, HOST4, TCP, bytes(8)))),
        four(ICMP, icmp(8, data=bytes(56)), options=b"\x07\x07\x04\0\0\0\0\0"),
        four(UDP, udp(53, 50000, dns)), four(UDP, udp(67, 68, dhcp)), four(UDP, udp(9, 9, bytes(100))),
        four(UDP, udp(9, 9, bytes(100))[:64], fragment=0x2000, identification=7), four(UDP, bytes(64), fragment=8),
        four(TCP, bytes(syn)), four(TCP, tcp(4242, 80, 1001, 1, 0x10)), four(TCP, tcp(4242, 80, 1001, 1, 0x18, b"GET /")),
        four(TCP, tcp(4242, 80, 1001, 1, 0x14)), four(TCP, tcp(80, 80, 0, 0, 0x3F, bytes(30))),
        six(ICMP6, icmp(128, data=bytes(56))), six(ICMP6, icmp(135, 0, bytes(4), target6 + mac_option), hops=255),
        six(ICMP6, icmp(136, 0, b"\x60\0\0\0", target6 + b"\x02\x01" + mac), LINK_LOCAL, EVERYBODY6),
        six(ICMP6, icmp(134, 0, struct.pack("!BBH", 64, 0, 1800), bytes(8) + prefix + mac_option), LINK_LOCAL, EVERYBODY6),
        six(ICMP6, icmp(2, 0, struct.pack("!I", 1280), ipv6(GUEST6, HOST6, TCP, bytes(20)))),
        six(ICMP6, icmp(130, 0, bytes(4), bytes(16)), LINK_LOCAL, EVERYBODY6, 1),
        six(0, b"\x3a\0\x05\x02\0\0\1\0" + icmp(128, data=bytes(8))), six(44, b"\x11\0\0\1\0\0\0\7" + bytes(64)),
        six(43, b"\x3a\x02\0\1" + bytes(20)), six(60, b"\x3c\0\1\4\0\0\0\0" * 40 + b"\x3a\0\1\4\0\0\0\0"),
        six(UDP, udp(9, 9, bytes(100))), six(TCP, bytes(syn)), six(TCP, tcp(4242, 80, 1001, 1, 0x18, b"GET /")),
    ]


def damage(rng, frame):
    """One frame, changed in one to four ways; half of the time its sums are made to fit."""
    frame = bytearray(frame)
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(12, max(13, min(len(frame), 90)))
        way = rng.randrange(7)
        if way == 0:
            del frame[max(14, place):]
        elif way == 1:
            frame += rng.randbytes(rng.randrange(1, 64))
        elif way == 2:
            frame[place:place] = rng.randbytes(rng.randrange(1, 9))
        elif way == 3:
            del frame[place:place + rng.randrange(1, 9)]
        elif place < len(frame):
            frame[place] = rng.choice(EDGES) if way < 6 else frame[place] ^ 1 << rng.randrange(8)
    frame = bytes(frame[:1514])
    try:
        return with_sums(frame) if rng.random() < 0.5 else frame
    except (IndexError, struct.error):
        return frame  # too damaged to have sums


def damaged_frames(seed, count, mac, guest):
    """Frames to send to a guest; the same for the same seed."""
    rng = random.Random(seed)
    good = seeds(mac, guest)
    for _ in range(count):
        yield damage(rng, rng.choice(good))
