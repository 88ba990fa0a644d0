# SPDX-License-Identifier: BSD-2-Clause
"""A client of QEMU's machine protocol."""

import json

from . import HANG_SECONDS


class QmpError(Exception):
    """QEMU refused a command."""


class Qmp:
    """One monitor connection over a connected socket."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(HANG_SECONDS)
        self.stream = sock.makefile("r", encoding="utf-8")
        self.events = []
        self._read()  # the greeting
        self("qmp_capabilities")

    def _read(self):
        line = self.stream.readline()
        if not line:
            raise ConnectionError("QEMU closed its monitor")
        return json.loads(line)

    def __call__(self, command, **arguments):
        """Run a command and return what it returns; events that come meanwhile are kept."""
        request = {"execute": command, "arguments": {key.replace("_", "-"): value
                                                     for key, value in arguments.items()}}
        self.sock.sendall(json.dumps(request).encode())
        while True:
            message = self._read()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise QmpError(f"{command}: {message['error']['desc']}")
            else:
                return message["return"]

    def wait_event(self, name):
        """The next event of this name, also one that came already."""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            message = self._read()
            if "event" in message:
                self.events.append(message)

    def get(self, path, name):
        """A property of a QEMU object."""
        return self("qom-get", path=path, property=name)

    def set(self, path, name, value):
        """Change a property of a QEMU object."""
        return self("qom-set", path=path, property=name, value=value)
