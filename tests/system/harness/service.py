# SPDX-License-Identifier: BSD-2-Clause
"""Guests whose services are reached through ports of the host."""

import socket

from . import HANG_SECONDS

HTTP, CACHE = 80, 11211


def free_port():
    """A TCP port of the host that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def forwarding(*ports, device="virtio-net-pci"):
    """(arguments of QEMU, the host's ports) for the guest's ports."""
    hosts = [free_port() for _ in ports]
    rules = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{port}" for host, port in zip(hosts, ports))
    return ["-netdev", f"user,id=n0{rules}", "-device", f"{device},netdev=n0"], hosts


def connected(port):
    """A connection to a port of the host, with a limit on every wait."""
    return socket.create_connection(("127.0.0.1", port), HANG_SECONDS)


def served(boot, *ports, app="full", **options):
    """Start a guest and wait until its ports can be reached; returns it and the host's ports."""
    args, hosts = forwarding(*ports)
    guest = boot(app=app, args=args, ready=app == "full", **options)
    guest.serial.expect(r"address 10\.0\.2\.15")
    return guest, hosts
