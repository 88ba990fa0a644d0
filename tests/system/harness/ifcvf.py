# SPDX-License-Identifier: BSD-2-Clause
"""An IFC VF made of software: a virtio network device whose queues tell and take their positions in BAR 4.

Written from what the drivers of Linux and DPDK do with such a device. On the other end of its cable is
the test: Peer answers ARP and pings, and pings the guest.
"""

import collections
import struct

from .net_frames import ETH_ARP, ETH_IPV4, ICMP, csum, ethernet, ipv4
from .vfio_user import CONFIG_REGION, Server

BAR_STRUCTURES, BAR_MSIX, BAR_LM = 0, 2, 4
COMMON, ISR, DEVICE, NOTIFY = 0x0000, 0x1000, 0x2000, 0x3000
QUEUE_STATE = 0x20
QUEUE_SIZE = 64
RX, TX = 0, 1
NO_VECTOR = 0xFFFF
DRIVER_OK, FEATURES_OK = 4, 8
F_MAC, F_MRG_RXBUF, F_STATUS, F_VERSION_1, F_ACCESS_PLATFORM, F_ORDER_PLATFORM = 5, 15, 16, 32, 33, 36
OFFERED = sum(1 << bit for bit in (F_MAC, F_MRG_RXBUF, F_STATUS, F_VERSION_1, F_ACCESS_PLATFORM, F_ORDER_PLATFORM))
HEADER = struct.pack("<BBHHHHH", 0, 0, 0, 0, 0, 0, 1)  # of a frame in one buffer
PAGE = 4096


class Queue:
    """The device's half of a split ring."""

    def __init__(self):
        self.size, self.vector, self.enabled = QUEUE_SIZE, NO_VECTOR, False
        self.areas = [0, 0, 0]
        self.next_avail = self.next_used = 0
        self.read = collections.deque()  # buffers that were read and are not used: (head, pieces)


class IfcVf:
    """The device, and the socket for `-device vfio-user-pci`."""

    # pylint: disable=too-many-instance-attributes
    def __init__(self, path, vectors=8, lm_bytes=PAGE):
        self.path, self.vectors = path, vectors
        self.regions = {BAR_STRUCTURES: 0x4000, BAR_MSIX: PAGE, CONFIG_REGION: 256}
        if lm_bytes:
            self.regions[BAR_LM] = lm_bytes
        self.config = self._config_space()
        self.lm = bytearray(lm_bytes)
        self.selects, self.accepted = [0, 0], 0
        self.status, self.config_vector, self.queue_select = 0, NO_VECTOR, 0
        self.queues = [Queue(), Queue()]
        self.hold = False      # frames of the guest are read, not sent
        self.backlog = collections.deque()  # frames for which the guest has no buffer
        self.on_frame = lambda frame: None
        self.resets = 0
        self.stops = []        # (queue, position, buffers read and not used) of each stop
        self.starts = []       # (queue, position)
        self.dirty = set()     # pages written to since the log was switched on
        self.server = Server(path, self)
        self.lock = self.server.lock

    def attach(self):
        """What a guest needs for this device: its memory shared, and patience as everything here has."""
        return {"balloon": None,
                "args": ("-object", "memory-backend-memfd,id=shared,size=256M,share=on",
                         "-machine", "memory-backend=shared", "-device",
                         '{"driver": "vfio-user-pci", "id": "vf", "x-msg-timeout": 600000, '
                         f'"socket": {{"type": "unix", "path": "{self.path}"}}}}')}

    def _config_space(self):
        config = bytearray(256)
        struct.pack_into("<HHHH", config, 0, 0x1AF4, 0x1041, 0, 0x10)  # with capabilities
        config[0xB] = 2  # a network device
        for bar in self.regions:
            if bar < CONFIG_REGION:
                config[0x10 + 4 * bar] = 0x4  # 64 bits
        struct.pack_into("<HH", config, 0x2C, 0x8086, 0x001A)
        config[0x34] = at = 0x40
        for kind, offset, length in ((1, COMMON, 0x38), (2, NOTIFY, 0x1000), (3, ISR, 1), (4, DEVICE, 12)):
            struct.pack_into("<BBBBBBBBIII", config, at, 9, at + 0x14, 0x14, kind, BAR_STRUCTURES, 0, 0, 0, offset,
                             length, 4)
            at += 0x14
        struct.pack_into("<BBHII", config, at, 0x11, 0, self.vectors - 1, BAR_MSIX, BAR_MSIX | 0x800)
        return config

    # ---- registers, as the server wants them ----

    def reset(self):
        """By PCI, or by status 0."""
        self.status, self.config_vector, self.accepted = 0, NO_VECTOR, 0
        self.queues = [Queue(), Queue()]
        self.lm[:] = b"\x5a" * len(self.lm)
        self.resets += 1

    def read(self, region, offset, count):
        """Registers; what is not there reads 0."""
        if region == CONFIG_REGION:
            return bytes(self.config[offset:offset + count])
        if region == BAR_LM:
            return bytes(self.lm[offset:offset + count])
        value = b""
        if region == BAR_STRUCTURES and offset < ISR:
            value = self._common()[offset:offset + count]
        elif region == BAR_STRUCTURES and DEVICE <= offset < NOTIFY:
            value = bytes.fromhex("525400123456 0100 0000 dc05")[offset - DEVICE:][:count]
        return value.ljust(count, b"\0")

    def write(self, region, offset, data):
        """Registers."""
        value = int.from_bytes(data, "little")
        if region == CONFIG_REGION:
            self.config[offset:offset + len(data)] = data
        elif region == BAR_LM:
            assert not any(queue.enabled for queue in self.queues) or offset < QUEUE_STATE or \
                not self.queues[(offset - QUEUE_STATE) // 4].enabled, "the state of a queue that lives was written"
            self.lm[offset:offset + len(data)] = data
        elif region == BAR_STRUCTURES and offset >= NOTIFY:
            self._work(value)
        elif region == BAR_STRUCTURES and offset < ISR:
            self._write_common(offset, value)

    def _queue(self):
        return self.queues[self.queue_select] if self.queue_select < len(self.queues) else None

    def _common(self):
        queue = self._queue()
        size, vector, enabled = (queue.size, queue.vector, queue.enabled) if queue else (0, NO_VECTOR, 0)
        offered = OFFERED >> 32 * self.selects[0] & 0xFFFFFFFF if self.selects[0] < 2 else 0
        return struct.pack("<IIIIHHBBHHHHH", self.selects[0], offered, self.selects[1], 0, self.config_vector,
                           len(self.queues), self.status, 0, self.queue_select, size, vector, enabled,
                           self.queue_select)

    def _write_common(self, offset, value):
        queue = self._queue()
        if offset in (0x00, 0x08):
            self.selects[offset // 8] = value
        elif offset == 0x0C and self.selects[1] < 2:
            self.accepted |= value << 32 * self.selects[1]
        elif offset == 0x10:
            self.config_vector = value if value < self.vectors else NO_VECTOR
        elif offset == 0x14:
            self._set_status(value)
        elif offset == 0x16:
            self.queue_select = value
        elif queue and offset == 0x18:
            queue.size = value
        elif queue and offset == 0x1A:
            queue.vector = value if value < self.vectors else NO_VECTOR
        elif queue and offset == 0x1C:
            (self._start if value else self._stop)(self.queue_select)
        elif queue and offset >= 0x20:
            area, shift = (offset - 0x20) // 8, offset % 8 * 8
            queue.areas[area] = queue.areas[area] & ~(0xFFFFFFFF << shift) | value << shift

    def _set_status(self, value):
        if not value:
            self.reset()
            return
        self.status = value
        if self.accepted & ~OFFERED or not self.accepted >> F_ACCESS_PLATFORM & 1:
            self.status &= ~FEATURES_OK

    # ---- queues ----

    def _start(self, index):
        queue = self.queues[index]
        if self.lm:
            queue.next_avail, queue.next_used = struct.unpack_from("<HH", self.lm, QUEUE_STATE + 4 * index)
        queue.enabled = True
        self.starts.append((index, queue.next_avail))

    def _stop(self, index):
        """What was read and is not used is given up."""
        queue = self.queues[index]
        queue.enabled = False
        struct.pack_into("<HH", self.lm, QUEUE_STATE + 4 * index, queue.next_avail, queue.next_used)
        self.stops.append((index, queue.next_used, len(queue.read)))
        queue.read.clear()

    def _memory(self, address, size):
        return self.server.memory.at(address, size)

    def _written(self, address, size):
        control, _, start, end = struct.unpack_from("<QQQQ", self.lm) if self.lm else (0, 0, 0, 0)
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1) if control & 1 else ():
            byte = start + page // 8
            if byte < end:
                self.dirty.add(page)
                self._memory(byte, 1)[0] |= 1 << page % 8

    def _fetch(self, queue):
        """Read all buffers that are available."""
        descriptors, available, _ = queue.areas
        index = struct.unpack("<H", self._memory(available + 2, 2))[0]
        while queue.next_avail != index:
            slot = available + 4 + 2 * (queue.next_avail % queue.size)
            head = at = struct.unpack("<H", self._memory(slot, 2))[0]
            pieces, flags = [], 1
            while flags & 1:
                address, length, flags, following = struct.unpack("<QIHH", self._memory(descriptors + 16 * at, 16))
                pieces.append((address, length))
                at = following
            queue.read.append((head, pieces))
            queue.next_avail = (queue.next_avail + 1) % 65536

    def _use(self, queue, length):
        """Give the oldest buffer back."""
        head, _ = queue.read.popleft()
        used = queue.areas[2]
        slot = used + 4 + 8 * (queue.next_used % queue.size)
        self._memory(slot, 8)[:] = struct.pack("<II", head, length)
        queue.next_used = (queue.next_used + 1) % 65536
        self._memory(used + 2, 2)[:] = struct.pack("<H", queue.next_used)
        self.server.interrupt(queue.vector)

    def _work(self, index):
        queue = self.queues[index]
        assert queue.enabled and self.status & DRIVER_OK, "a notification of a device that does not work"
        self._fetch(queue)
        if index == RX:
            self._deliver()
        elif not self.hold:
            self.send_held()

    def send_held(self):
        """Send what was read, and no longer hold anything."""
        self.hold = False
        queue = self.queues[TX]
        while queue.read:
            frame = b"".join(bytes(self._memory(*piece)) for piece in queue.read[0][1])[len(HEADER):]
            self._use(queue, 0)
            self.on_frame(frame)

    def _deliver(self):
        queue = self.queues[RX]
        while self.backlog and queue.read:
            data = HEADER + self.backlog.popleft()
            address, length = queue.read[0][1][0]
            assert length >= len(data), "a receive buffer is too short"
            self._memory(address, len(data))[:] = data
            self._written(address, len(data))
            self._use(queue, len(data))

    def deliver(self, frame):
        """A frame for the guest comes in."""
        with self.lock:
            self.backlog.append(frame)
            if self.queues[RX].enabled and self.status & DRIVER_OK:
                self._deliver()


class Peer:
    """The other end of the cable: answers ARP and pings, and keeps count of the answers to its own."""

    ADDRESS, GUEST = "10.9.0.1", "10.9.0.2"
    MAC, GUEST_MAC = bytes.fromhex("021122334455"), bytes.fromhex("525400123456")

    def __init__(self, vf):
        self.vf, self.asked = vf, 0
        self.answers = collections.Counter()  # to our pings, by their number
        self.answered = 0                     # pings of the guest
        vf.on_frame = self._take

    def _send(self, packet):
        self.vf.deliver(ethernet(self.MAC, self.GUEST_MAC, packet))

    def _take(self, frame):
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == ETH_ARP and frame[21] == 1 and frame[38:42] == bytes((10, 9, 0, 1)):
            self.vf.deliver(frame[6:12] + self.MAC + frame[12:21] + b"\2" + self.MAC + frame[38:42] + frame[22:32])
        elif kind == ETH_IPV4 and frame[23] == ICMP:
            self._take_ping(frame[34:14 + struct.unpack_from("!H", frame, 16)[0]])

    def _take_ping(self, message):
        assert csum(message) == 0xFFFF, "a ping came out damaged"
        if message[0] == 0:
            self.answers[struct.unpack_from("!H", message, 6)[0]] += 1
        elif message[0] == 8:
            self.answered += 1
            self._send(ipv4(self.ADDRESS, self.GUEST, ICMP, b"\0\0\0\0" + message[4:]))

    def ping(self, count=1):
        """Ask the guest; the answers are counted when they come."""
        for _ in range(count):
            self.asked += 1
            self._send(ipv4(self.ADDRESS, self.GUEST, ICMP,
                            struct.pack("!BBHHH", 8, 0, 0, 0x6E65, self.asked & 0xFFFF) + bytes(56)))
