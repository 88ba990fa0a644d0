# SPDX-License-Identifier: BSD-2-Clause
"""Frames on a link: sums, what a device still has to do to them, streams put together from segments."""

import dataclasses
import socket
import struct

ETHERNET = 14
ETH_IPV4, ETH_IPV6, ETH_ARP = 0x0800, 0x86DD, 0x0806
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SUM_AT = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}  # where in its header a protocol has its sum
VNET = struct.Struct("<BBHHHH")  # struct virtio_net_hdr without num_buffers
NEEDS_CSUM, GSO_TCP4, GSO_TCP6, GSO_ECN = 1, 1, 4, 0x80
SOL_PACKET, PACKET_VNET_HDR = 263, 15
FIN, SYN, RST, PSH, ACK, URG, CWR = 1, 2, 4, 8, 16, 32, 128


def csum(data, start=0):
    """The Internet checksum's sum, not inverted."""
    data = bytes(data) + bytes(len(data) % 2)
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclasses.dataclass
class Packet:
    """Where the parts of an IP packet in a frame are."""
    version: int
    network: int
    transport: int
    end: int
    protocol: int

    def addresses(self, frame):
        """Both addresses, as bytes."""
        return frame[self.network + 12:self.network + 20] if self.version == 4 else \
            frame[self.network + 8:self.network + 40]

    def pseudo(self, frame):
        """The sum over addresses, protocol and length."""
        if self.protocol == ICMP:
            return 0
        return csum(self.addresses(frame), self.protocol + self.end - self.transport)


def parse(frame):
    """The packet in a frame; None if it is not a whole IPv4 or IPv6 packet."""
    kind, = struct.unpack_from("!H", frame, 12)
    if kind == ETH_IPV4:
        size, = struct.unpack_from("!H", frame, 16)
        fragment, = struct.unpack_from("!H", frame, 20)
        if fragment & 0x3FFF:
            return None
        return Packet(4, ETHERNET, ETHERNET + (frame[ETHERNET] & 15) * 4, ETHERNET + size, frame[23])
    if kind == ETH_IPV6:
        size, = struct.unpack_from("!H", frame, 18)
        protocol, transport = frame[20], ETHERNET + 40
        if protocol == 0:  # hop-by-hop options, of MLD
            protocol, transport = frame[transport], transport + 8 * (1 + frame[transport + 1])
        return Packet(6, ETHERNET, transport, ETHERNET + 40 + size, protocol) if protocol != 44 else None
    return None


def problems(frame):
    """What is wrong with a frame's lengths and sums; an empty list if nothing is."""
    found = []
    packet = parse(frame)
    if packet is None:
        return found
    if packet.end > len(frame):
        return [f"{packet.end} bytes in a frame of {len(frame)}"]
    if packet.version == 4 and csum(frame[packet.network:packet.transport]) != 0xFFFF:
        found.append("IPv4 header sum")
    sum_at = packet.transport + SUM_AT.get(packet.protocol, 0)
    if packet.protocol == UDP and frame[sum_at:sum_at + 2] == b"\0\0" and packet.version == 4:
        return found
    if packet.protocol in SUM_AT and csum(frame[packet.transport:packet.end], packet.pseudo(frame)) != 0xFFFF:
        found.append(f"sum of protocol {packet.protocol}")
    # A sum at another even place makes the whole right, too.
    if packet.protocol == TCP and not frame[packet.transport + 13] & URG and any(frame[sum_at + 2:sum_at + 4]):
        found.append("urgent pointer without the flag")
    return found


def with_sums(frame):
    """The frame with the sums of all its headers made anew."""
    frame, packet = bytearray(frame), parse(frame)
    if struct.unpack_from("!H", frame, 12)[0] == ETH_IPV4:  # also in fragments
        struct.pack_into("!H", frame, ETHERNET + 10, 0)
        header = frame[ETHERNET:ETHERNET + (frame[ETHERNET] & 15) * 4]
        struct.pack_into("!H", frame, ETHERNET + 10, 0xFFFF ^ csum(header))
    if packet is None:
        return bytes(frame)
    if packet.protocol in SUM_AT and packet.end <= len(frame):
        sum_at = packet.transport + SUM_AT[packet.protocol]
        if sum_at + 2 <= packet.end:
            struct.pack_into("!H", frame, sum_at, 0)
            total = csum(frame[packet.transport:packet.end], packet.pseudo(frame))
            struct.pack_into("!H", frame, sum_at, 0xFFFF ^ total)
    return bytes(frame)


def finish(header, frame):
    """What a device would put on the wire: sums made as the header says, large segments cut."""
    flags, kind, header_size, size, start, offset = header
    frame = bytearray(frame)
    if kind & ~GSO_ECN in (GSO_TCP4, GSO_TCP6):
        return cut(frame, size, header_size)
    if flags & NEEDS_CSUM:
        struct.pack_into("!H", frame, start + offset, (0xFFFF ^ csum(frame[start:])) or 0xFFFF)
    return [bytes(frame)]


def cut(frame, size, header_size):
    """The segments of a large one."""
    packet = parse(frame)
    data_at = packet.transport + (frame[packet.transport + 12] >> 4) * 4
    assert header_size in (0, data_at) or header_size >= data_at, "the length of the headers is wrong"
    sequence, = struct.unpack_from("!I", frame, packet.transport + 4)
    segments, data = [], frame[data_at:]
    for number, begin in enumerate(range(0, len(data), size)):
        part = frame[:data_at] + data[begin:begin + size]
        last = begin + size >= len(data)
        struct.pack_into("!I", part, packet.transport + 4, (sequence + begin) & 0xFFFFFFFF)
        part[packet.transport + 13] &= 0xFF if last else 0xFF ^ (FIN | PSH)
        part[packet.transport + 13] &= 0xFF if number == 0 else 0xFF ^ CWR
        if packet.version == 4:
            struct.pack_into("!H", part, packet.network + 2, len(part) - packet.network)
            identification, = struct.unpack_from("!H", frame, packet.network + 4)
            struct.pack_into("!H", part, packet.network + 4, (identification + number) & 0xFFFF)
        else:
            struct.pack_into("!H", part, packet.network + 4, len(part) - packet.network - 40)
        segments.append(with_sums(part))
    return segments


def captured(capture):
    """[(header, frame, whether it goes out to the guest)] of everything a capture has up to now."""
    capture.setblocking(False)
    frames = []
    try:
        while True:
            data, address = capture.recvfrom(70000)
            frames.append((VNET.unpack_from(data), data[VNET.size:], address[2] == socket.PACKET_OUTGOING))
    except BlockingIOError:
        return frames


def stream(frames, port, version=4):
    """The bytes that a sender's TCP segments from this port carry, put together."""
    first, pieces = None, {}
    for frame in frames:
        packet = parse(frame)
        if not packet or packet.protocol != TCP or packet.version != version:
            continue
        source, _, sequence = struct.unpack_from("!HHI", frame, packet.transport)
        if source != port:
            continue
        if frame[packet.transport + 13] & SYN:
            first = (sequence + 1) & 0xFFFFFFFF
            continue
        data_at = packet.transport + (frame[packet.transport + 12] >> 4) * 4
        pieces[(sequence - first) & 0xFFFFFFFF] = frame[data_at:packet.end]
    data = b""
    for begin in sorted(pieces):
        assert begin <= len(data), f"bytes {len(data)} to {begin} are missing"
        data += pieces[begin][len(data) - begin:]
    return data


def ipv4(source, target, protocol, payload, **fields):
    """An IPv4 packet; fields: identification, fragment (flags and offset as in the header), ttl, options."""
    options = fields.get("options", b"")
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload),
                         fields.get("identification", 0), fields.get("fragment", 0), fields.get("ttl", 64), protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(target))
    return header + options + payload


def ipv6(source, target, protocol, payload, hops=255):
    """An IPv6 packet."""
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + \
        socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target) + payload


def udp(source, target, payload):
    """A UDP datagram between ports, without sum."""
    return struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload


def tcp(source, target, sequence, acknowledged, flags, payload=b""):
    """A TCP segment between ports, without sum."""
    return struct.pack("!HHIIBBHHH", source, target, sequence, acknowledged, 0x50, flags, 8192, 0, 0) + payload


def ethernet(source, target, packet):
    """A frame around an IP packet, all sums made."""
    kind = ETH_IPV6 if packet[0] >> 4 == 6 else ETH_IPV4
    return with_sums(target + source + struct.pack("!H", kind) + packet)
