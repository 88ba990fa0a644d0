# SPDX-License-Identifier: BSD-2-Clause
"""The server of vfio-user: a PCI device outside of QEMU, which reaches it through a UNIX socket.

QEMU's docs/interop/vfio-user.rst has the protocol. Guest memory comes as file descriptors, so the guest
needs memory that QEMU shares (`memory-backend-memfd`); interrupts go back through eventfds.
"""

import array
import json
import mmap
import os
import socket
import struct
import threading

from . import HANG_SECONDS

HEADER = struct.Struct("<HHIII")  # id, command, bytes, flags, error
REPLY, NO_REPLY, ERROR = 0x1, 0x10, 0x20
(VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, _, GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, _, _,
 RESET) = range(1, 14)
CONFIG_REGION, NR_REGIONS = 7, 9
MSIX_IRQ, NR_IRQS = 2, 5
FDS_MAX = 16
CAPABILITIES = {"capabilities": {"max_msg_fds": FDS_MAX, "max_data_xfer_size": 1 << 16}}


class Memory:
    """The guest's memory as the device sees it."""

    def __init__(self):
        self.maps = {}  # first address: (bytes, mapping), the mapping None where there is no file

    def add(self, address, size, handle, offset):
        """A range of addresses, from `offset` of a file on."""
        self.maps[address] = (size, mmap.mmap(handle, size, offset=offset) if handle is not None else None)

    def remove(self, address, size):
        """... is not there any more."""
        for start in [start for start in self.maps if address <= start < address + size]:
            del self.maps[start]

    def at(self, address, size):
        """The bytes of a range, to be read and written."""
        for start, (length, mapping) in self.maps.items():
            if mapping and start <= address and address + size <= start + length:
                return memoryview(mapping)[address - start:address - start + size]
        raise ValueError(f"the guest has no memory of {size} bytes at {address:#x}")


class Server(threading.Thread):
    """Serves one device to one QEMU.

    The device has `regions` (bytes of each), `vectors` (how many MSI-X has), read(region, offset, count),
    write(region, offset, data) and reset(); all are called under `lock`.
    """

    def __init__(self, path, device):
        super().__init__(daemon=True)
        self.device, self.memory, self.interrupts = device, Memory(), {}
        self.lock = threading.RLock()
        self.error = None  # what ended the server early
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.listener.settimeout(HANG_SECONDS)
        self.connection = None

    def interrupt(self, vector):
        """Raise an entry of MSI-X, if somebody listens."""
        if vector in self.interrupts:
            os.write(self.interrupts[vector], struct.pack("=Q", 1))

    def run(self):
        try:
            self.connection, _ = self.listener.accept()
            while self._serve_one():
                pass
        except (OSError, ValueError, struct.error, AssertionError) as error:
            self.error = error
        if self.connection:
            self.connection.close()  # QEMU hears of it

    def close(self):
        """End it; QEMU has ended before."""
        for end in (self.listener, self.connection):
            if end:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it ended before
        self.join(HANG_SECONDS)
        self.listener.close()
        for handle in self.interrupts.values():
            os.close(handle)
        self.interrupts.clear()

    def _receive(self, count):
        """Exactly so many bytes and the files that came with them; no bytes: the other end is gone."""
        data, handles = b"", array.array("i")
        while len(data) < count:
            part, extra, _, _ = self.connection.recvmsg(count - len(data), socket.CMSG_SPACE(FDS_MAX * 4))
            if not part:
                return b"", handles
            data += part
            for level, kind, content in extra:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    handles.frombytes(content[:len(content) // 4 * 4])
        return data, handles

    def _serve_one(self):
        header, handles = self._receive(HEADER.size)
        if not header:
            return False
        number, command, size, flags, _ = HEADER.unpack(header)
        body, more = self._receive(size - HEADER.size)
        handles.extend(more)
        with self.lock:
            answer = self._answer(command, body, handles)
        if not flags & NO_REPLY:
            error = REPLY | ERROR if answer is None else REPLY
            answer = answer or b""
            self.connection.sendall(HEADER.pack(number, command, HEADER.size + len(answer), error,
                                                22 if error & ERROR else 0) + answer)
        return True

    def _answer(self, command, body, handles):
        """The body of the reply, or None: refused."""
        answers = {
            VERSION: self._version, DMA_MAP: self._map, DMA_UNMAP: self._unmap, GET_INFO: self._info,
            GET_REGION_INFO: self._region_info, GET_IRQ_INFO: self._irq_info, SET_IRQS: self._set_irqs,
            REGION_READ: self._read, REGION_WRITE: self._write, RESET: self._reset,
        }
        return answers[command](body, handles) if command in answers else None

    @staticmethod
    def _version(body, _):
        return body[:4] + json.dumps(CAPABILITIES).encode() + b"\0"

    def _map(self, body, handles):
        _, _, offset, address, size = struct.unpack("<IIQQQ", body)
        self.memory.add(address, size, handles[0] if handles else None, offset)
        for handle in handles:
            os.close(handle)
        return b""

    def _unmap(self, body, _):
        _, _, address, size = struct.unpack("<IIQQ", body[:24])
        self.memory.remove(address, size)
        return body

    @staticmethod
    def _info(_body, _):
        return struct.pack("<IIII", 16, 0x3, NR_REGIONS, NR_IRQS)  # can be reset, PCI

    def _region_info(self, body, _):
        index = struct.unpack_from("<I", body, 8)[0]
        size = self.device.regions.get(index, 0)
        return struct.pack("<IIIIQQ", 32, 0x3 if size else 0, index, 0, size, index << 40)  # read and write

    def _irq_info(self, body, _):
        index = struct.unpack_from("<I", body, 8)[0]
        count = self.device.vectors if index == MSIX_IRQ else 0
        return struct.pack("<IIII", 16, 0x1 if count else 0, index, count)  # by eventfd

    def _set_irqs(self, body, handles):
        _, _, index, start, count = struct.unpack_from("<IIIII", body)
        if index != MSIX_IRQ:
            return b""
        going = range(start, start + count) if count else list(self.interrupts)
        for vector in going:
            if vector in self.interrupts:
                os.close(self.interrupts.pop(vector))
        self.interrupts.update(zip(range(start, start + count), handles))
        return b""

    def _read(self, body, _):
        offset, region, count = struct.unpack("<QII", body)
        return body + self.device.read(region, offset, count)

    def _write(self, body, _):
        offset, region, count = struct.unpack_from("<QII", body)
        self.device.write(region, offset, body[16:16 + count])
        return body[:16]

    def _reset(self, _body, _):
        self.device.reset()
        return b""
