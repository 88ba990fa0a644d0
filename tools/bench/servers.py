# SPDX-License-Identifier: BSD-2-Clause
"""Guests that serve behind a tap device, and the clients that use them."""

import contextlib
import re
import subprocess

import linux_servers
from guests import OUTPUT, Guest
from harness import wait_for
from harness.net import GUEST4, HOST4, STATIC, Network, needs

CACHE_MIB = 640
CONNECTIONS = 30
KEYS, VALUE_BYTES = 500, 100
PAYLOAD = 18  # of packets.c
PKTGEN = ("pkt_size 60", "clone_skb 64", "delay 0", f"dst {HOST4}", "dst_mac 02:00:00:00:00:99")
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3}  # in milliseconds


def client(name):
    """The path of a program of this folder, compiled for the host."""
    return str(linux_servers.compile_static(OUTPUT, name)[name])


@contextlib.contextmanager
def serving(system, make=Guest, memory="1G", cache_mib=CACHE_MIB, **options):
    """A guest that serves, or what `make` puts around one, and its clients."""
    if missing := needs("wrk", "iperf", "unshare", "nsenter", "ip"):
        raise SystemExit(f"bench: no {missing} here: tools/install test")
    with Network() as network:
        attached = network.tap().attach()
        with make(system, memory=memory, serves=True, append=f"{STATIC} -- -m {cache_mib}", fds=attached["fds"],
                  args=[*attached["args"], "-no-reboot"], **options) as made:
            guest = getattr(made, "guest", made)
            if system == "linux":
                start_linux(guest, options.get("cpus", 1), cache_mib)
            else:
                guest.serial.expect("httpd: serving port")
            yield made, Clients(guest, network)


def start_linux(guest, cpus, cache_mib):
    """The network and the servers of a Linux guest."""
    for line in ("module failover", "module net_failover", "module virtio_net", f"net {GUEST4} 255.255.255.0",
                 "start /bin/nginx -c /etc/nginx.conf",
                 f"start /bin/memcached -u root -m {cache_mib} -t {cpus}"):
        if "linux: " in (said := guest.shell.run(line)):
            raise SystemExit(f"bench: the Linux guest does not serve: {said}")
    guest.shell.run("settle")
    for port in (80, 11211):
        await_listener(guest, port)


def await_listener(guest, port):
    """Wait until a program in a Linux guest listens."""
    wait_for(lambda: re.search(rf":{port:04X} \S+:0000 0A ", guest.shell.run("cat /proc/net/tcp")
                               + guest.shell.run("cat /proc/net/tcp6")), f"a listener at port {port}")


class Clients:
    """Each uses one guest and returns what it saw."""

    def __init__(self, guest, network):
        self.guest, self.network = guest, network
        self.linux = guest.system == "linux"

    def http(self, seconds):
        """Requests, requests a second, and milliseconds of the median and of the slowest in a hundred."""
        text = self.network.run("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "--latency",
                                f"http://{GUEST4}/")
        times = {part: float(number) * UNITS[unit]
                 for part, number, unit in re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s)", text, re.MULTILINE)}
        if "Non-2xx" in text or "Socket errors" in text or len(times) != 2:
            raise SystemExit(f"bench: requests to {self.guest.system} failed:\n{text}")
        return {"requests": int(re.search(r"(\d+) requests in", text)[1]),
                "rate": float(re.search(r"Requests/sec: +([\d.]+)", text)[1]), "p50": times["50"], "p99": times["99"]}

    def cache(self, operation, seconds):
        """Operations ("get" or "set"), and how many a second."""
        text = self.network.run(client("cache_load"), GUEST4, operation, str(CONNECTIONS), str(KEYS), str(VALUE_BYTES),
                                str(seconds))
        values = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
        if values["misses"] > values["ops"] / 10:
            raise SystemExit(f"bench: the cache of {self.guest.system} is empty: {text}")
        return {"requests": values["ops"], "rate": values["ops"] * 1e6 / values["us"], "p99": values["p99_us"] / 1e3}

    def stream_in(self, seconds):
        """Mbit/s that the guest takes from iperf."""
        begin = None
        if self.linux:
            self.guest.shell.run("start /bin/iperf -s")
            await_listener(self.guest, 5001)
        else:
            begin = self.guest.shell.start("iperf -s")
            self.guest.serial.expect("serving TCP port 5001", begin)
        text = self.network.run("iperf", "-c", GUEST4, "-t", str(seconds), "-f", "k")
        if not self.linux:
            self.guest.shell.finish(begin)
        return kilobits(text) / 1e3

    def stream_out(self, seconds):
        """Mbit/s that iperf takes from the guest."""
        peer = self.network.start("iperf", "-s", "-P", "1", "-f", "k", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True)
        wait_for(lambda: ":5001 " in self.network.run("ss", "-ltn"), "iperf on the host")
        self.guest.shell.run(f"exec /bin/iperf -c {HOST4} -t {seconds}" if self.linux
                             else f"iperf -c {HOST4} {seconds}")
        return kilobits(peer.communicate(timeout=60)[0]) / 1e3

    def packets_out(self, count):
        """Frames of 60 bytes that a guest's kernel sent a second."""
        if not self.linux:
            text = self.guest.shell.run(f"pktgen {count} 60")
            return int(re.search(r"(\d+) frames/s", text)[1])
        if not self.guest.shell.run("cat /proc/modules").count("pktgen"):
            self.guest.shell.run("module pktgen")
        for line in ("kpktgend_0 rem_device_all", "kpktgend_0 add_device eth0", f"eth0 count {count}",
                     *(f"eth0 {setting}" for setting in PKTGEN), "pgctrl start"):
            self.guest.shell.run(f"write /proc/net/pktgen/{line}")
        text = self.guest.shell.run("cat /proc/net/pktgen/eth0")
        if f"{count} (60byte" not in text:
            raise SystemExit(f"bench: Linux's pktgen did not send: {text}")
        return int(re.search(r"(\d+)pps", text)[1])

    def packets_in(self, seconds):
        """Datagrams of 18 bytes that reached a program in the guest, and how many a second."""
        begin = self.guest.shell.start("exec /bin/packets sink" if self.linux else "iperf -s -u")
        self.guest.serial.expect("serving UDP", begin)
        text = self.network.run(client("packets"), "send", GUEST4, str(seconds))
        us = int(re.search(r"us=(\d+)", text)[1])
        said = self.guest.shell.finish(begin)
        if self.linux:
            count = int(re.search(r"datagrams=(\d+)", said)[1])
        else:
            count = int(re.search(r"^(\d+) bytes in", said, re.MULTILINE)[1]) // PAYLOAD
        return {"requests": count, "rate": count * 1e6 / us}


def kilobits(text):
    """What iperf says last about its rate."""
    found = re.findall(r"([\d.]+) Kbits/sec", text)
    if not found:
        raise SystemExit(f"bench: no result of iperf: {text}")
    return float(found[-1])
