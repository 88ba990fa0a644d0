#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs inside a test's network namespace and hands out what must be opened in there.

  net_agent.py FD      a request per message on the socket FD, until that is closed

Requests are JSON: {"tap": NAME, "vnet": BOOL, "queues": N} or {"socket": [FAMILY, TYPE, PROTOCOL]}. The
answer is {} with the descriptors, or {"error": TEXT}. It prints "ready" when it listens.
"""

import fcntl
import json
import os
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x0002, 0x1000, 0x4000, 0x0100


def open_tap(name, vnet, queues):
    """The descriptors of a new tap device, one for each pair of queues."""
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet else 0) | (IFF_MULTI_QUEUE if queues > 1 else 0)
    descriptors = []
    for _ in range(queues):
        descriptors.append(os.open("/dev/net/tun", os.O_RDWR))
        fcntl.ioctl(descriptors[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    return descriptors


def serve(channel):
    """Answer requests."""
    while request := channel.recv(4096):
        try:
            order = json.loads(request)
            if "tap" in order:
                descriptors = open_tap(order["tap"], order["vnet"], order["queues"])
            else:
                descriptors = [socket.socket(*order["socket"]).detach()]
            socket.send_fds(channel, [b"{}"], descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
        except OSError as error:
            channel.send(json.dumps({"error": str(error)}).encode())


def main():
    """The socket is inherited."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    print("ready", flush=True)
    serve(channel)


if __name__ == "__main__":
    main()
