# SPDX-License-Identifier: BSD-2-Clause
"""A switch in user space with one port: the back end of a vhost-user network device.

It serves the rings of the device itself, in the guest's memory, which QEMU shares with it, and carries
the frames to and from a tap device. Messages: "vhost-user protocol" in QEMU's documentation.
"""

import contextlib
import mmap
import os
import selectors
import socket
import struct
import threading

from .net_wire import FRAME_MAX

(GET_FEATURES, SET_FEATURES, _, _, SET_MEM_TABLE, _, _, SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE,
 SET_VRING_KICK, SET_VRING_CALL, _, GET_PROTOCOL_FEATURES, _, GET_QUEUE_NUM, SET_VRING_ENABLE) = range(1, 19)
REPLY = 5  # flags: version 1, an answer
NO_DESCRIPTOR = 0x100

MRG_RXBUF, MQ, PROTOCOL_FEATURES, VERSION_1 = 1 << 15, 1 << 22, 1 << 30, 1 << 32
PROTOCOL_MQ = 1
HEADER = struct.pack("<BBHHHHH", 0, 0, 0, 0, 0, 0, 1)  # no offloads, one buffer
DESC_NEXT, DESC_WRITE = 1, 2


class Memory:
    """The guest's memory, by its own addresses and by QEMU's."""

    def __init__(self):
        self.regions = []  # (guest address, bytes, QEMU's address, where in the map, map)

    def replace(self, payload, descriptors):
        """A new table of regions."""
        self.close()
        count, = struct.unpack_from("<I", payload)
        for number, descriptor in zip(range(count), descriptors):
            guest, size, user, offset = struct.unpack_from("<QQQQ", payload, 8 + 32 * number)
            self.regions.append((guest, size, user, offset, mmap.mmap(descriptor, size + offset)))

    def close(self):
        """Let go of it."""
        for region in self.regions:
            region[-1].close()
        self.regions = []

    def at(self, address, size, users=False):
        """(map, place in it) of a range; an address outside is an error of the guest's."""
        for guest, length, user, offset, memory in self.regions:
            start = user if users else guest
            if start <= address and address + size <= start + length:
                return memory, address - start + offset
        raise ValueError(f"{size} bytes at {address:#x} are not the guest's memory")

    def read(self, address, size):
        """Bytes of the guest's."""
        memory, place = self.at(address, size)
        return memory[place:place + size]

    def write(self, address, data):
        """Bytes for the guest."""
        memory, place = self.at(address, len(data))
        memory[place:place + len(data)] = data


class Ring:
    """The device's half of a split ring."""

    def __init__(self, memory):
        self.memory = memory
        self.size = self.next = self.used_index = self.frames = 0
        self.parts = {}
        self.kick = self.call = None
        self.enabled = False

    def place(self, payload):
        """Where its three parts are, in QEMU's addresses."""
        _, _, descriptors, used, available, _ = struct.unpack("<IIQQQQ", payload)
        self.parts = {"descriptors": (descriptors, 16 * self.size), "used": (used, 4 + 8 * self.size),
                      "available": (available, 4 + 2 * self.size)}
        self.used_index, = self._get("<H", "used", 2)

    def _get(self, kind, part, offset):
        memory, place = self.memory.at(*self.parts[part], users=True)
        return struct.unpack_from(kind, memory, place + offset)

    def _put(self, kind, offset, *values):
        memory, place = self.memory.at(*self.parts["used"], users=True)
        struct.pack_into(kind, memory, place + offset, *values)

    def take(self):
        """The next buffer that the driver offers: its head and [(address, bytes, writable)], or None."""
        if not self.enabled or self.kick is None or self._get("<H", "available", 2)[0] == self.next:
            return None
        head, = self._get("<H", "available", 4 + 2 * (self.next % self.size))
        self.next = (self.next + 1) & 0xffff
        pieces, at, more = [], head, True
        while more and len(pieces) < self.size:
            address, length, flags, following = self._get("<QIHH", "descriptors", 16 * at)
            pieces.append((address, length, bool(flags & DESC_WRITE)))
            at, more = following, flags & DESC_NEXT
        return head, pieces

    def give_back(self, head, written):
        """A buffer is used, and the driver told, whether it wants that or not."""
        self._put("<II", 4 + 8 * (self.used_index % self.size), head, written)
        self.used_index = (self.used_index + 1) & 0xffff
        self._put("<H", 2, self.used_index)
        if self.call is not None:
            os.eventfd_write(self.call, 1)

    def stop(self):
        """Serve no more until there is a kick descriptor again."""
        for descriptor in (self.kick, self.call):
            if descriptor is not None:
                os.close(descriptor)
        self.kick = self.call = None


class Switch:
    """The back end, between a socket and a tap device without vnet header. Use it in a `with` statement."""

    def __init__(self, path, tap, pairs=1):
        self.tap, self.pairs = tap.fds[0], pairs
        self.memory = Memory()
        self.rings = [Ring(self.memory) for _ in range(2 * pairs)]
        self.counts = {"in": 0, "out": 0}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.connection = None
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self._connected)
        self.selector.register(self.tap, selectors.EVENT_READ, self._from_tap)
        self.problem = None
        self.ending, self.restarting = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self._disconnected()
        self.listener.close()
        self.selector.close()

    def restart(self):
        """End and begin again, as a switch that is updated: QEMU finds the socket closed and connects once more."""
        self.restarting.set()

    @staticmethod
    def attach(path, options="", pairs=1):
        """What a guest needs for a network device on the switch at this path, called nic; options begin with a comma.

        QEMU 7.2 dies without KVM when vhost-user meets MSI-X (kvm_virtio_pci_irqfd_use()), hence no vectors.
        """
        many = ",mq=on" if pairs > 1 else ""
        again = "reconnect-ms=500" if os.environ.get("QEMU") == "new" else "reconnect=1"
        return {"shared": True, "args": (
            "-chardev", f"socket,id=switch,path={path},{again}",
            "-netdev", f"vhost-user,id=n0,chardev=switch,queues={pairs}",
            "-device", f"virtio-net-pci,id=nic,netdev=n0,vectors=0{many}{options}")}

    def _serve(self):
        try:
            while not self.ending.is_set():
                for key, _ in self.selector.select(0.1):
                    key.data()
                if self.restarting.is_set():
                    self.restarting.clear()
                    self._disconnected()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.problem = error
            raise

    def _connected(self):
        self.connection, _ = self.listener.accept()
        self.selector.register(self.connection, selectors.EVENT_READ, self._message)

    def _disconnected(self):
        for ring in self.rings:
            self._stop(ring)
            ring.enabled = False
        self.memory.close()
        if self.connection:
            self.selector.unregister(self.connection)
            self.connection.close()
        self.connection = None

    def _stop(self, ring):
        if ring.kick is not None:
            self.selector.unregister(ring.kick)
        ring.stop()

    def _message(self):
        header, descriptors, _, _ = socket.recv_fds(self.connection, 12, 16)
        if len(header) < 12:
            self._disconnected()
            return
        request, _, size = struct.unpack("<III", header)
        payload = self.connection.recv(size, socket.MSG_WAITALL) if size else b""
        answer = self._obey(request, payload, descriptors)
        if answer is not None:
            self.connection.sendall(struct.pack("<III", request, REPLY, len(answer)) + answer)

    def _obey(self, request, payload, descriptors):
        """Do what QEMU wants; returns the answer, if it waits for one."""
        if request == GET_FEATURES:
            return struct.pack("<Q", MRG_RXBUF | MQ | PROTOCOL_FEATURES | VERSION_1)
        if request == GET_PROTOCOL_FEATURES:
            return struct.pack("<Q", PROTOCOL_MQ)
        if request == GET_QUEUE_NUM:
            return struct.pack("<Q", self.pairs)
        if request == SET_MEM_TABLE:
            self.memory.replace(payload, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        if SET_VRING_NUM <= request <= SET_VRING_CALL or request == SET_VRING_ENABLE:
            index, value = struct.unpack_from("<II", payload)
            return self._obey_ring(request, self.rings[index & 0xff], index, value, payload, descriptors)
        return None

    def _obey_ring(self, request, ring, index, value, payload, descriptors):
        if request == SET_VRING_NUM:
            ring.size = value
        elif request == SET_VRING_ADDR:
            ring.place(payload)
        elif request == SET_VRING_BASE:
            ring.next = value
        elif request == SET_VRING_ENABLE:
            ring.enabled = bool(value)
            self._from_guest(self.rings.index(ring))
        elif request == SET_VRING_CALL and not index & NO_DESCRIPTOR:
            if ring.call is not None:
                os.close(ring.call)
            ring.call = descriptors[0]
        elif request == SET_VRING_KICK and not index & NO_DESCRIPTOR:
            ring.kick = descriptors[0]
            number = self.rings.index(ring)
            self.selector.register(ring.kick, selectors.EVENT_READ, lambda: self._kicked(number))
        elif request == GET_VRING_BASE:
            self._stop(ring)
            return struct.pack("<II", index, ring.next)
        return None

    def _kicked(self, number):
        os.eventfd_read(self.rings[number].kick)
        self._from_guest(number)

    def _from_guest(self, number):
        ring = self.rings[number]
        while number % 2 and (buffer := ring.take()):
            head, pieces = buffer
            frame = b"".join(self.memory.read(address, length) for address, length, _ in pieces)
            self.counts["out"] += 1
            with contextlib.suppress(OSError):  # as a tap device that is down does
                os.write(self.tap, frame[len(HEADER):])
            ring.give_back(head, 0)

    def _from_tap(self):
        data = HEADER + os.read(self.tap, FRAME_MAX)
        receivers = [ring for ring in self.rings[::2] if ring.enabled]
        ring = receivers[self.counts["in"] % len(receivers)] if receivers else self.rings[0]
        buffer = ring.take()
        if not buffer:
            return  # the guest is not there yet, or too slow
        head, pieces = buffer
        self.counts["in"] += 1
        ring.frames += 1
        left = data
        for address, length, writable in pieces:
            assert writable, "a buffer to receive into that may not be written"
            self.memory.write(address, left[:length])
            left = left[length:]
        assert not left, "a buffer too small for a frame of the network"
        ring.give_back(head, len(data))
