# SPDX-License-Identifier: BSD-2-Clause
"""The network with real peers: Linux behind a tap device in a network namespace of the test's own."""

import re
import socket
import struct

import pytest
from harness import wait_for
from harness.net import GUEST4, GUEST6, HOST4, HOST6, STATIC, needs
from harness.qemu import ROOT

PAGE = (ROOT / "apps/httpd/www/index.html").read_bytes()
LEASES = re.compile(r"DHCPACK\(tap0\)")


def need(*programs):
    """Skip where one of these is not installed."""
    missing = needs(*programs)
    if missing:
        pytest.skip(f"no {missing} here: tools/install test")


def start(boot, network, append=STATIC, options="", **more):
    """A serving guest on a new tap device."""
    guest = boot(app="full", append=append, **network.tap().attach(options), **more)
    guest.serial.expect("httpd: serving port")
    return guest


def ping(network, address, size, count=3):
    """Let the host ping the guest; true if all came back as they were sent.

    One at a time: having seen one answer, ping waits for the others hardly longer than that one took.
    """
    texts = [network.run("ping", "-n", "-c", "1", "-W", "60", "-s", str(size), "-p", "c0de5a", address, check=False)
             for _ in range(count)]
    return all("1 packets transmitted, 1 received" in text and "wrong data" not in text for text in texts)


def address(guest, key="net0_ip"):
    """What the guest says about its interface."""
    return guest.shell.machine("netstat").get(key, "")


@pytest.mark.parametrize("cpus", [1, 2])
def test_ping_of_every_size(boot, network, cpus):
    """Echoes of nothing, of a whole frame and a byte more, and of the largest datagram there is."""
    need("ping")
    guest = start(boot, network, cpus=cpus)
    assert ping(network, GUEST6, 56, count=1)
    for size in (0, 1, 56, 1472, 1473, 2952, 2953, 9000, 32768, 65507):
        assert ping(network, GUEST4, size), size
    for size in (0, 1, 56, 1452, 1453, 2896, 9000, 32768, 65487):
        assert ping(network, GUEST6, size), size
    for target in (HOST4, HOST6):
        assert "3 sent, 3 answered" in guest.shell.run(f"ping {target} 3")
    counts = guest.shell.machine("netstat")
    assert counts["checksum_errors"] == 0 and counts["receive_held"] == 0


def test_curl(boot, network):
    """Pages by both protocols of addresses, alone and many on one connection."""
    need("curl", "ping")
    guest = start(boot, network)
    assert ping(network, GUEST6, 56, count=1)
    for host in (GUEST4, f"[{GUEST6}]"):
        assert network.run("curl", "-sS", f"http://{host}/").encode() == PAGE
    text = network.run("curl", "-sS", *[f"http://{GUEST4}/"] * 50)
    assert text.encode() == PAGE * 50
    assert guest.shell.machine("netstat")["checksum_errors"] == 0


def test_two_guests_on_a_bridge(boot, network):
    """Guests reach each other and the host, which is a machine of their network."""
    need("ping", "curl")
    network.run("ip", "link", "add", "br0", "type", "bridge")
    network.run("ip", "link", "set", "br0", "up")
    network.run("ip", "address", "add", f"{HOST4}/24", "dev", "br0")
    guests = []
    for number in (2, 3):
        tap = network.tap(addresses=())
        network.run("ip", "link", "set", tap.name, "master", "br0")
        guests.append(boot(app="full", append=f"ip=10.5.0.{number}/24,{HOST4}",
                           **tap.attach(f",mac=52:54:00:00:00:0{number}")))
    for guest, other in zip(guests, ("10.5.0.3", GUEST4)):
        guest.serial.expect("httpd: serving port")
        assert "3 sent, 3 answered" in guest.shell.run(f"ping {other} 3")
        assert "3 sent, 3 answered" in guest.shell.run(f"ping {HOST4} 3")
        assert network.run("curl", "-sS", f"http://{other}/").encode() == PAGE
    server, client = guests
    begin = server.shell.start("iperf -s")
    server.serial.expect("serving TCP port 5001", begin)
    sent = client.shell.run(f"iperf -c {GUEST4} 1")
    assert " Mbit/s" in sent and sent.split(" bytes")[0] in server.shell.finish(begin), sent


def serve_dhcp(network, tmp_path, *options):
    """Start dnsmasq on the first tap device; returns a function that reads its log."""
    log = tmp_path / "dnsmasq.log"
    with open(log, "wb") as stream:
        network.start(
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-dynamic",
            "--interface=tap0", "--dhcp-authoritative", "--dhcp-range=10.5.0.50,10.5.0.50,255.255.255.0,120",
            f"--dhcp-leasefile={tmp_path}/leases", "--log-dhcp", "--log-queries", "--no-ping",
            "--address=/peer.test/10.5.0.99", "--address=/peer.test/fd05::99", *options, stdout=stream, stderr=stream)
    wait_for(lambda: "started, version" in log.read_text(), "dnsmasq")
    return log.read_text


def test_dhcp_by_dnsmasq(boot, network, tmp_path):
    """An address with its mask, router and name server; names; after the link was down, the same again."""
    need("dnsmasq")
    tap = network.tap()
    log = serve_dhcp(network, tmp_path, "--dhcp-option=option:router,10.5.0.7", "--dhcp-option=option:dns-server,10.5.0.1",
                     "--dhcp-option=option:mtu,1400", "--dhcp-option=option:ntp-server,10.5.0.8",
                     "--dhcp-option=option:domain-name,example.test", "--dhcp-option=224,01:02:03")
    guest = boot(app="full", **tap.attach())
    wait_for(lambda: address(guest) == "10.5.0.50", "an address from dnsmasq")
    values = guest.shell.machine("netstat")
    assert (values["net0_mask"], values["net0_gateway"], values["dns_0"]) == ("255.255.255.0", "10.5.0.7", "10.5.0.1")
    assert "client provides name: neap" in log()
    text = guest.shell.run("nslookup peer.test")
    assert "has address 10.5.0.99" in text and "has address FD05::99" in text
    assert "no address found" in guest.shell.run("nslookup nobody.test")
    before = len(LEASES.findall(log()))
    guest.qmp("set_link", name="nic", up=False)
    wait_for(lambda: guest.shell.machine("net")["net0_link"] == 0, "link down in the guest")
    guest.qmp("set_link", name="nic", up=True)
    wait_for(lambda: len(LEASES.findall(log())) > before, "a request for the same address")
    wait_for(lambda: address(guest) == "10.5.0.50", "the same address")


def test_dhcp_lease_is_renewed(boot, network, tmp_path):
    """Long before a lease ends the guest asks for more, and keeps its address."""
    need("dnsmasq")
    tap = network.tap()
    log = serve_dhcp(network, tmp_path, "--dhcp-option-force=option:T1,20", "--dhcp-option-force=option:T2,100")
    guest = boot(app="full", **tap.attach())
    wait_for(lambda: address(guest) == "10.5.0.50", "an address from dnsmasq")
    wait_for(lambda: len(LEASES.findall(log())) == 2, "a renewal", 150, interval=0.5)
    assert len(re.findall(r"DHCPDISCOVER\(tap0\)", log())) == 1
    assert address(guest) == "10.5.0.50" and ping(network, "10.5.0.50", 56)


def advertise(network, index, *options, lifetime=1800, hops=255):
    """Send a router's advertisement to everybody on the link."""
    with network.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as router:
        router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
        router.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0) + b"".join(options),
                      ("ff02::1", 0, 0, index))


def prefix(address6, bits=64, flags=0xC0, valid=3600, preferred=1800):
    """An option of an advertisement: a prefix, on the link and to make addresses of."""
    return struct.pack("!BBBBIII", 3, 4, bits, flags, valid, preferred, 0) + socket.inet_pton(socket.AF_INET6, address6)


def test_router_advertisements(boot, network):
    """An address from a good prefix, a name server, a default route; what is no good is not believed."""
    need("ping")
    tap = network.tap()
    guest = boot(app="full", append="ip=off", **tap.attach())
    index = int(network.run("ip", "-o", "link", "show", tap.name).split(":")[0])
    for bad in ({"hops": 64}, {}):
        advertise(network, index, prefix("fd66::", bits=60 if not bad else 64), **bad)
    advertise(network, index, prefix("fd66::", valid=10, preferred=20))
    advertise(network, index, b"\x03\x00" + bytes(30))  # an option of no length
    advertise(network, index, b"\x03\x04" + bytes(8))   # an option beyond the end
    server = struct.pack("!BBHI", 25, 3, 0, 600) + socket.inet_pton(socket.AF_INET6, HOST6)
    advertise(network, index, prefix("fd55::"), struct.pack("!BBHI", 5, 1, 0, 1400), server)
    wait_for(lambda: address(guest, "net0_ip6_1").startswith("FD55::"), "an address from the prefix")
    values = guest.shell.machine("netstat")
    assert not any(str(value).startswith("FD66") for value in values.values())
    assert values["dns_0"].upper() == HOST6.upper()
    network.run("ip", "address", "add", "fd55::1/64", "dev", tap.name, "nodad")
    network.run("ip", "address", "add", "fd99::1/128", "dev", "lo")
    assert ping(network, values["net0_ip6_1"], 1400)
    assert "2 sent, 2 answered" in guest.shell.run("ping fd99::1 2")  # over the router
