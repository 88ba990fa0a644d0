# SPDX-License-Identifier: BSD-2-Clause
"""Servers that answer nonsense: DHCP and DNS. The guest believes none of it and finds the good answer."""

import socket
import struct
import threading

import pytest
from harness import wait_for
from harness.net import HOST4, STATIC
from harness.net_frames import UDP, ethernet, ipv4, parse, udp
from harness.net_wire import Wire

SERVER_MAC = bytes.fromhex("020000000001")
COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
GOOD, EVIL = "10.5.0.42", "10.66.66.66"


def dhcp_answer(query, kind, given, xid=0, chaddr=None, options=b"", op=2):
    """A DHCP answer to a query; what is not given is right."""
    number, = struct.unpack_from("!I", query, 4)
    mac = chaddr or query[28:34]
    text = struct.pack("!BBBBIHHIIII", op, 1, 6, 0, number ^ xid, 0, 0, 0, 0, 0, 0)
    text = text[:16] + socket.inet_aton(given) + text[20:] + mac + bytes(10 + 64 + 128) + COOKIE
    return text + bytes([53, 1, kind, 54, 4]) + socket.inet_aton(HOST4) + options


def settings(mask="255.255.255.0", seconds=3600):
    """The options that make an offer complete."""
    return bytes([1, 4]) + socket.inet_aton(mask) + bytes([3, 4]) + socket.inet_aton(HOST4) + bytes([51, 4]) + \
        struct.pack("!I", seconds) + b"\xff"


def bad_dhcp_answers(query, kind):
    """What a broken or hostile server may send: all of it names an address that must not be taken."""
    whole = dhcp_answer(query, kind, EVIL, options=settings())
    yield from (whole[:size] for size in (0, 1, 43, 44, 235, 236, 239, 240, 241, 242))
    yield dhcp_answer(query, kind, EVIL, xid=1, options=settings())
    yield dhcp_answer(query, kind, EVIL, chaddr=b"\2\3\4\5\6\7", options=settings())
    yield dhcp_answer(query, kind, EVIL, op=1, options=settings())
    yield whole.replace(COOKIE, b"\x63\x82\x53\x64")
    yield whole.replace(COOKIE, bytes(4))
    yield dhcp_answer(query, kind, EVIL, options=b"\x01\xff\xff")               # a mask beyond the end
    yield dhcp_answer(query, kind, EVIL, xid=2, options=b"\x34\x01\x03" + settings())  # overload, and names of zeros
    yield dhcp_answer(query, kind, EVIL, xid=3, options=(b"\x06\xfc" + bytes(252)) * 4 + b"\xff")
    yield dhcp_answer(query, 77, EVIL, options=settings())
    yield dhcp_answer(query, NAK, EVIL, xid=4, options=b"\xff")


class DhcpServer:
    """Answers on a wire: nonsense first, and the truth if it is asked to tell."""

    def __init__(self, wire):
        self.wire, self.asked, self.honest = wire, [], False
        wire.listener = self.hear

    def send(self, answer):
        """Broadcast an answer."""
        packet = ipv4(HOST4, "255.255.255.255", UDP, udp(67, 68, answer))
        self.wire.inject(ethernet(SERVER_MAC, b"\xff" * 6, packet))

    def hear(self, direction, frame):
        """Called for every frame; true for those to the server."""
        packet = parse(frame)
        if direction != "out" or not packet or packet.protocol != UDP or \
                struct.unpack_from("!H", frame, packet.transport + 2)[0] != 67:
            return False
        query = frame[packet.transport + 8:]
        self.asked.append(query[242])
        answer = OFFER if query[242] == DISCOVER else ACK
        for bad in bad_dhcp_answers(query, answer):
            self.send(bad)
        if self.honest:
            self.send(dhcp_answer(query, answer, GOOD, options=settings()))
        return True


def test_bad_dhcp_answers(boot, network):
    """No address comes from answers that are cut off, for others or no answers at all; then the good one does."""
    with Wire(network.tap(vnet=False)) as wire:
        server = DhcpServer(wire)
        guest = boot(app="full", append="ip6=off", **wire.attach())
        wait_for(lambda: server.asked.count(DISCOVER) >= 2, "a second attempt")
        state = guest.shell.machine("netstat")
        assert state["net0_ip"] == "0.0.0.0" and REQUEST not in server.asked
        server.honest = True
        wait_for(lambda: guest.shell.machine("netstat")["net0_ip"] == GOOD, "the good address")
        assert guest.shell.machine("netstat")["net0_mask"] == "255.255.255.0"
        wire.listener = None
        assert "2 sent, 2 answered" in guest.shell.run(f"ping {HOST4} 2")


def dns_answer(query, address=EVIL, flags=0x8180, number=0, name=b"\xc0\x0c", size=None, count=1):
    """An answer to a query; what is not given is right."""
    identification, = struct.unpack_from("!H", query)
    end = query.index(0, 12) + 5
    kind, = struct.unpack_from("!H", query, end - 4)
    data = socket.inet_aton(address) if kind == 1 else socket.inet_pton(socket.AF_INET6, f"fd05::{address}")
    record = name + struct.pack("!HHIH", kind, 1, 60, len(data) if size is None else size) + data
    return struct.pack("!HHHHHH", identification ^ number, flags, 1, count, 0, 0) + query[12:end] + record * min(count, 100)


def other_question(query):
    """An answer to what was not asked."""
    return dns_answer(query[:12] + b"\x04evil\x04test\0" + query[-4:])


BAD_DNS = {
    "cut": lambda query: [dns_answer(query)[:size] for size in (0, 1, 11, 12, 13, 20, len(query), len(query) + 5)],
    "number": lambda query: [dns_answer(query, number=1 << bit) for bit in range(16)],
    "question": lambda query: [other_question(query)],
    "query": lambda query: [dns_answer(query, flags=0x0100), query],
    "long": lambda query: [dns_answer(query, size=65535)],
    "short": lambda query: [dns_answer(query, size=1)],
    "refused": lambda query: [dns_answer(query, flags=0x8185)],
}


# Names in answers are not compared with the question's, for they may be aliases: these may be believed.
STRANGE_DNS = {
    "loop": lambda query: [dns_answer(query, name=struct.pack("!H", 0xC000 + len(query)))],
    "chain": lambda query: [dns_answer(query, name=b"\xc0\xff")],
    "label": lambda query: [dns_answer(query, name=b"\x3f" + b"x" * 20)],
    "reserved": lambda query: [dns_answer(query, name=b"\x80\x40")],
    "many": lambda query: [dns_answer(query, count=65535)],
    "huge": lambda query: [dns_answer(query, name=(b"\x3f" + b"y" * 63) * 600 + b"\0")],
}


def serve_dns(network, asked):
    """A name server that answers by the first label: nonsense first, then the truth."""
    server = network.socket(kind=socket.SOCK_DGRAM)
    server.bind((HOST4, 53))
    server.settimeout(None)

    def run():
        try:
            while True:
                query, client = server.recvfrom(1500)
                label = query[13:13 + query[12]].decode()
                asked.append(label)
                for answer in {**BAD_DNS, **STRANGE_DNS}.get(label, lambda query: [])(query):
                    server.sendto(answer, client)
                kind, = struct.unpack_from("!H", query, query.index(0, 12) + 1)
                server.sendto(dns_answer(query, GOOD if kind == 1 else "42"), client)
        except (OSError, struct.error, ValueError):
            pass  # closed at the end of the test

    threading.Thread(target=run, daemon=True).start()
    return server


@pytest.mark.parametrize("case", [*BAD_DNS, *STRANGE_DNS])
def test_bad_dns_answers(boot, network, case):
    """No name gets an address from nonsense, and the next name is found."""
    tap, asked = network.tap(), []
    with serve_dns(network, asked):
        guest = boot(app="full", append=STATIC, **tap.attach())
        before = guest.shell.machine("netstat")["memory"]
        text = guest.shell.run(f"nslookup {case}.test")
        assert "has address" in text or "no address found" in text
        assert EVIL not in text or case in STRANGE_DNS
        assert f"has address {GOOD}" in guest.shell.run("nslookup good.test")
        assert case in asked and "good" in asked
        wait_for(lambda: guest.shell.machine("netstat")["memory"] <= before + 512, "the memory of the questions")
