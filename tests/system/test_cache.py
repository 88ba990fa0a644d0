# SPDX-License-Identifier: BSD-2-Clause
"""The memory cache, used by real clients over QEMU's user network."""

import concurrent.futures
import os
import subprocess
import threading
import time

import pymemcache
import pytest
from harness import HANG_SECONDS, wait_for
from harness.elastic import MIB, Elastic, check_elastic, plugged, request
from harness.service import CACHE, connected, served


@pytest.fixture
def cache(boot):
    """Start a guest with the cache; returns it and a client."""
    def starter(options="", **settings):
        guest, (port,) = served(boot, CACHE, append=f"-- {options}" if options else "", **settings)
        client = pymemcache.Client(("127.0.0.1", port), timeout=HANG_SECONDS, connect_timeout=HANG_SECONDS)
        client.port = port
        return guest, client
    return starter


def test_conformance(cache):
    """Every case that libmemcached's conformance test has, text and binary."""
    _, client = cache()
    client.set("ready", "1")
    result = subprocess.run(["memccapable", "-h", "127.0.0.1", "-p", str(client.port)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=HANG_SECONDS, check=False)
    assert result.returncode == 0 and "FAIL" not in result.stdout, result.stdout
    assert result.stdout.count("[pass]") == 54, result.stdout


def test_alone(cache):
    """The cache as the guest's only application, with the options of memcached."""
    guest, client = cache("-m 16", app="cache")
    fill(client, 1000, 30000)
    assert client.stats()[b"limit_maxbytes"] == 16 * MIB
    assert client.get("k999") == value(999, 30000) and client.get("k0") is None
    assert "cache: serving port 11211" in guest.serial.text


def fill(client, keys, size, start=0):
    """Store values that tell their key, in batches."""
    for first in range(start, keys, 100):
        values = {f"k{number}": value(number, size) for number in range(first, min(first + 100, keys))}
        failed = client.set_many(values, noreply=False)
        assert not failed


def value(number, size):
    """What belongs to a key."""
    return (f"{number}:".encode() * (size // 3))[:size]


def test_filled_past_its_limit(cache):
    """The oldest values go, the others are whole; emptied, the cache gives its memory to the host."""
    guest, client = cache("-m 64", memory="256M", cpus=2)
    empty = guest.rss()
    fill(client, 4000, 30000)
    stats = client.stats()
    assert stats[b"limit_maxbytes"] == 64 * MIB and stats[b"bytes"] + stats[b"hash_bytes"] <= 64 * MIB
    assert stats[b"evictions"] > 1500 and stats[b"curr_items"] < 2300
    full = guest.rss()
    assert full > empty + 55 * MIB
    assert client.get("k0") is None
    found = client.get_many([f"k{number}" for number in range(2500, 4000, 10)])
    assert len(found) == 150
    assert all(data == value(int(key[1:]), 30000) for key, data in found.items())
    client.flush_all(noreply=False)
    wait_for(lambda: guest.rss() < empty + 20 * MIB, "the memory of a flushed cache")
    assert client.get("k3999") is None
    for number in range(2000):
        client.set(f"d{number}", value(number, 30000), noreply=True)
    assert guest.rss() > empty + 45 * MIB
    for number in range(2000):
        client.delete(f"d{number}", noreply=True)
    assert client.get("d1") is None
    wait_for(lambda: guest.rss() < empty + 20 * MIB, "the memory of deleted values")
    assert client.stats()[b"curr_items"] == 0


def test_out_of_memory(cache):
    """A limit beyond what there is: values are evicted, one that cannot fit is refused, the service goes on."""
    guest, client = cache("-m 4096 -I 64m", memory="64M")
    fill(client, 3000, 30000)
    stats = client.stats()
    assert stats[b"evictions"] > 500
    found = client.get_many([f"k{number}" for number in range(2800, 3000)])
    assert len(found) == 200 and all(data == value(int(key[1:]), 30000) for key, data in found.items())
    with pytest.raises(pymemcache.exceptions.MemcacheServerError, match="out of memory storing object"):
        client.set("large", b"x" * (63 * MIB), noreply=False)
    client.set("small", b"still here", noreply=False)
    assert client.get("small") == b"still here"
    assert "panic" not in guest.serial.text


def test_memory_goes_while_it_serves(cache):
    """The host plugs memory and takes it away under traffic: nothing is dropped, no byte is wrong."""
    guest, client = cache(memory="128M", cpus=2, elastic=[Elastic(512 * MIB, requested=512 * MIB)])
    wait_for(lambda: plugged(guest) == 512 * MIB, "all of the memory")
    fill(client, 6000, 30000)
    assert client.stats()[b"evictions"] == 0
    wrong, rounds, stop = [], [], threading.Event()

    def traffic(seed):
        own = pymemcache.Client(("127.0.0.1", client.port), timeout=HANG_SECONDS, connect_timeout=HANG_SECONDS)
        number = seed
        while not stop.is_set():
            number = (number * 1103515245 + 12345) % 6000
            data = own.get(f"k{number}")
            if data is not None and data != value(number, 30000):
                wrong.append(number)
            own.set(f"k{number}", value(number, 30000), noreply=False)
            rounds.append(seed)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(traffic, seed) for seed in range(3)]
        for size in (256, 512, 64, 300, 0):
            request(guest, size * MIB)
            before = len(rounds)
            wait_for(lambda: plugged(guest) == size * MIB, f"{size} MiB under traffic")  # pylint: disable=cell-var-from-loop
            wait_for(lambda: len(rounds) > before + 50, "traffic")  # pylint: disable=cell-var-from-loop
        stop.set()
        for job in jobs:
            job.result()
    assert not wrong
    stats = client.stats()
    assert stats[b"evictions"] > 0 and stats[b"bytes"] < 128 * MIB
    check_elastic(guest)


def test_clients_that_misbehave(cache):
    """Garbage, endless lines, half values and silence: the memory stays, others are served."""
    guest, client = cache("-m 32 -c 100", memory="128M", cpus=2)
    client.set("mine", b"value", noreply=False)
    before = guest.shell.machine("netstat")["memory"]
    for number in range(150):
        with connected(client.port) as connection:
            try:
                connection.sendall((b"", b"get ", b"\x80\x01", b"set x 0 0 1000000\r\n")[number % 4] + os.urandom(number * 40))
            except OSError:
                pass
    halves = [connected(client.port) for _ in range(60)]
    for connection in halves:
        connection.sendall(b"set half 0 0 1000000\r\nhalf of it")
    assert client.get("mine") in (None, b"value")  # their values have to have room, too
    wait_for(lambda: client.stats()[b"bytes"] > 20 * MIB, "half values")
    stats = client.stats()
    assert stats[b"bytes"] + stats[b"hash_bytes"] <= 32 * MIB
    more = [connected(client.port) for _ in range(60)]
    client.set("mine", b"other", noreply=False)
    assert client.get("mine") == b"other"
    wait_for(lambda: client.stats()[b"rejected_connections"] + client.stats()[b"idle_kicks"] > 20, "room")
    wait_for(lambda: client.stats()[b"idle_kicks"] >= 60, "the end of those that do nothing")
    assert client.stats()[b"bytes"] < MIB
    for connection in (*halves, *more):
        connection.close()
    wait_for(lambda: guest.shell.machine("netstat")["memory"] < before + 32768, "the memory of bad connections")


def alive(connection):
    """Does the cache answer on a connection?"""
    connection.sendall(b"mn\r\n")
    return connection.recv(100) == b"MN\r\n"


def test_room_for_new_clients(cache):
    """A new client is refused while all others work, and takes the place of the one that did least."""
    guest, client = cache("-c 8", cpus=2)
    client.set("here", b"1", noreply=False)
    client.close()
    wait_for(lambda: guest.shell.machine("netstat")["tcp_connections"] == 0, "room for eight")
    clients = [connected(client.port) for _ in range(8)]
    assert all(alive(one) for one in clients)
    with connected(client.port) as late:
        assert late.recv(100) == b"ERROR Too many open connections\r\n"
    assert all(alive(one) for one in clients)
    time.sleep(3)
    assert alive(clients[0])
    time.sleep(4)
    with connected(client.port) as late:
        assert alive(late) and alive(clients[0])
        assert clients[1].recv(1) == b""
        assert all(alive(one) for one in clients[2:])
