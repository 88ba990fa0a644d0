# SPDX-License-Identifier: BSD-2-Clause
"""The network: what a guest serves, how fast, and with how much effort."""

import functools

import linux_servers
from guests import steadily
from meter import INTERRUPT, Meter
from servers import serving

SECONDS = 5
PACKETS = 100000
BURST, BURSTS = 128, 5  # packets that fit into the device's queue: nothing waits for it


def speed(system, cpus):
    """Every client after the other, on the clock of the host."""
    with serving(system, cpus=cpus) as (_, clients):
        result = {"http": clients.http(SECONDS), "set": clients.cache("set", SECONDS),
                  "get": clients.cache("get", SECONDS)}
        if cpus == 1:
            result |= {"in": clients.stream_in(SECONDS), "out": clients.stream_out(SECONDS),
                       "sent": clients.packets_out(PACKETS), "received": clients.packets_in(SECONDS)["rate"]}
        return result


def effort(system):
    """Instructions, kicks and interrupts of one request or packet."""
    def one(work, count=None):
        result, figures = meter.during(work)
        return {key: value / (count or result["requests"]) for key, value in figures.items()}

    with serving(system, make=lambda system, **options: Meter(system, "net", {"interrupts": INTERRUPT}, **options)) \
            as (meter, clients):
        clients.http(1)  # once before: what is done only the first time
        clients.cache("set", 1)
        return {"HTTP request": one(lambda: clients.http(SECONDS)), "GET": one(lambda: clients.cache("get", SECONDS)),
                "packet sent": one(lambda: clients.packets_out(PACKETS), PACKETS),
                "packet received": one(lambda: clients.packets_in(2))}


def sending(system):
    """Instructions of sending one packet while the queue has room: nanoseconds of a clock that counts them."""
    with serving(system, icount=True) as (_, clients):
        return 1e9 / max(clients.packets_out(BURST) for _ in range(BURSTS))


def bench(table, systems):
    """Every figure, one system beside the other."""
    page = f"{linux_servers.PAGE.stat().st_size}-byte page"
    for cpus, place in ((1, "1 CPU"), (2, "2 CPUs")):
        seen = [steadily(system, functools.partial(speed, system, cpus)) for system in systems]
        table.add_rate(f"HTTP, {page}, {place}", *(one["http"]["rate"] for one in seen), "requests/s")
        for part in ("p50", "p99"):
            table.add(f"HTTP latency {part}, {place}", *(one["http"][part] for one in seen), "ms")
        for operation in ("get", "set"):
            name = f"cache {operation.upper()}"
            table.add_rate(f"{name}, {place}", *(one[operation]["rate"] for one in seen), "requests/s")
            table.add(f"{name} latency p99, {place}", *(one[operation]["p99"] for one in seen), "ms")
        if cpus == 1:
            for key, what, unit in (("in", "TCP into the guest", "Mbit/s"), ("out", "TCP out of the guest", "Mbit/s"),
                                    ("sent", "64-byte packets sent", "packets/s"),
                                    ("received", "64-byte packets received", "packets/s")):
                table.add_rate(f"{what}, {place}", *(one[key] for one in seen), unit)
    spent = [steadily(system, functools.partial(effort, system)) for system in systems]
    for what in spent[0]:
        for key in ("instructions", "kicks", "interrupts"):
            table.add(f"{key} for each {what}", *(one[what][key] for one in spent), key)
    room = [steadily(system, functools.partial(sending, system)) for system in systems]
    table.add("instructions for each packet sent, queue not full", *room, "instructions")
