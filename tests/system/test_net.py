# SPDX-License-Identifier: BSD-2-Clause
"""The network, over QEMU's user network: addresses, the web server, data through an echo server."""

import concurrent.futures
import os
import re
import socket
import threading

import pytest
from harness import wait_for
from harness.qemu import ROOT

PAGE = (ROOT / "apps/httpd/www/index.html").read_bytes()
SECONDS = 60


def free_port():
    """A TCP port of the host that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def networked(boot):
    """Start a guest with a network device; returns it and the host's port for one of its own."""
    def starter(port=80, app="full", append="", device="virtio-net-pci", **options):
        host = free_port()
        args = ["-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{host}-:{port}", "-device", f"{device},netdev=n0"]
        guest = boot(app=app, append=append, args=args, **options)
        if app == "full":
            guest.serial.expect("httpd: serving port")  # or it comes between what is typed
        return guest, host
    return starter


def connected(port):
    """A connection to a port of the host, with a limit on every wait."""
    return socket.create_connection(("127.0.0.1", port), SECONDS)


def read_answer(stream, head_only=False):
    """(status, headers, body) of the next answer; stream: a file of a socket."""
    status = int(stream.readline().split()[1])
    headers = {}
    while (line := stream.readline().strip()):
        name, value = line.decode().split(": ", 1)
        headers[name.lower()] = value
    return status, headers, b"" if head_only else stream.read(int(headers["content-length"]))


def ask(port, text, answers=1):
    """Send bytes on one connection and return the answers."""
    with connected(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(text)
        return [read_answer(stream) for _ in range(answers)]


def serving(guest):
    """Wait until the web server listens and the guest has its address."""
    guest.serial.expect(r"serving port \d+")
    wait_for(lambda: guest.shell.machine("netstat").get("net0_ip") == "10.0.2.15", "an address from DHCP")
    return guest


@pytest.mark.parametrize("cpus", [1, 4])
def test_dhcp_and_ping(networked, cpus):
    """An address, a name server and a gateway that answers; IPv6 by the router's announcements."""
    guest, _ = networked(cpus=cpus)
    serving(guest)
    values = guest.shell.machine("netstat")
    assert values["net0_mask"] == "255.255.255.0"
    assert values["net0_gateway"] == "10.0.2.2"
    assert values["dns_0"] == "10.0.2.3"
    assert "3 sent, 3 answered" in guest.shell.run("ping 10.0.2.2 3")
    wait_for(lambda: guest.shell.machine("netstat").get("net0_ip6_1", "").startswith("FEC0:"), "an IPv6 address")
    assert guest.shell.machine("netstat")["checksum_errors"] == 0


def test_static_address(networked):
    """What the command line says is used, without DHCP."""
    guest, _ = networked(append="ip=10.0.2.77/16,10.0.2.2 dns=10.0.2.3,1.2.3.4 ip6=off")
    values = guest.shell.machine("netstat")
    assert (values["net0_ip"], values["net0_mask"], values["net0_gateway"]) == ("10.0.2.77", "255.255.0.0", "10.0.2.2")
    assert (values["dns_0"], values["dns_1"]) == ("10.0.2.3", "1.2.3.4")
    assert "2 sent, 2 answered" in guest.shell.run("ping 10.0.2.2 2")
    assert not any(key.startswith("net0_ip6") for key in guest.shell.machine("netstat"))


def test_bad_addresses_are_named(networked):
    """Addresses that make no sense: the key, the value, and the default instead."""
    guest, _ = networked(append="ip=10.0.2.300/24 ip6=fec0::1/99 dns=one.two")
    for key in ("ip=10.0.2.300/24", "ip6=fec0::1/99", "dns=one.two"):
        assert re.search(re.escape(key) + r" ignored \(E", guest.serial.text)
    serving(guest)


def test_nobody_answers(networked):
    """A host that is not there: said so, in bounded time."""
    guest, _ = networked(append="ip=10.99.0.2/24")
    assert "1 sent, 0 answered" in guest.shell.run("ping 10.99.0.99 1")
    assert "no address found" in guest.shell.run("nslookup neap.invalid")


@pytest.mark.parametrize("cpus", [1, 2])
def test_http(networked, cpus):
    """Pages, keep-alive, pipelined and dribbled requests, refusals."""
    guest, port = networked(cpus=cpus)
    serving(guest)
    get = b"GET / HTTP/1.1\r\nHost: neap\r\n\r\n"
    for status, _, body in ask(port, get * 50, 50):
        assert (status, body) == (200, PAGE)
    with connected(port) as connection, connection.makefile("rb") as stream:
        for byte in get:
            connection.sendall(bytes([byte]))
        assert read_answer(stream)[2] == PAGE
        connection.sendall(get.replace(b"GET", b"HEAD"))
        assert read_answer(stream, head_only=True)[1]["content-length"] == str(len(PAGE))
        connection.sendall(get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert read_answer(stream)[1]["connection"] == "close"
        assert stream.read() == b""
    for text, status in ((b"GET /none HTTP/1.1\r\n\r\n", 404), (b"nonsense\r\n\r\n", 400),
                         (b"DELETE / HTTP/1.1\r\n\r\n", 405), (b"GET / HTTP/1.1\r\nX: " + b"x" * 5000, 431),
                         (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", 413)):
        assert ask(port, text)[0][0] == status, text[:40]


def test_metrics(networked):
    """The figures are the guest's."""
    guest, port = networked()
    serving(guest)
    text = ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")[0][2].decode()
    values = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert int(values["neap_memory_total_bytes"]) == guest.shell.machine("mem")["total"]
    assert int(values["neap_httpd_connections"]) == 1


def test_many_connections(networked):
    """Connections beside each other; what they cost goes back."""
    guest, port = networked(cpus=2)
    serving(guest)
    before = guest.shell.machine("netstat")["memory"]
    connections = []
    for _ in range(200):  # one after the other: QEMU lets one wait for its turn
        connections.append(connected(port))
        with connections[-1].makefile("rb") as stream:
            connections[-1].sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert read_answer(stream)[2] == PAGE
    assert guest.shell.machine("netstat")["memory"] > before + 200 * 200
    for connection in connections:
        connection.close()
    wait_for(lambda: guest.shell.machine("netstat")["memory"] < before + 4096, "the memory of 200 connections")


@pytest.mark.parametrize("cpus,memory", [(1, "256M"), (4, "64M")])
def test_echo(networked, cpus, memory):
    """Streams in both directions at once arrive byte by byte as they were sent."""
    guest, port = networked(port=7, app="echo", cpus=cpus, memory=memory, ready=False)
    guest.serial.expect(r"echo: serving port 7")
    guest.serial.expect(r"address 10\.0\.2\.15")

    def transfer(_):
        data = os.urandom(3 << 20)
        with connected(port) as connection:
            sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
            sender.start()
            back = b"".join(iter(lambda: connection.recv(65536), b""))
            sender.join()
        return back == data

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(transfer, range(4)))
