# SPDX-License-Identifier: BSD-2-Clause
"""The host tool changes the size of real guests."""

import re

from harness import wait_for

MIB = 1 << 20


def test_resize_below_boot_memory(neap):
    """The balloon takes and gives to the byte."""
    neap.start("--memory", "128M", "--max", "128M")
    assert re.fullmatch(r"demo: 128M -> 64M in \d+\.\d s\n", neap("resize", "demo", "64M"))
    state = neap.top()["demo"]
    assert (state["granted"], state["ballooned"], state["plugged"]) == (64 * MIB, 64 * MIB, 0)
    assert "ballooned=67108864" in neap.shell("mem --machine")
    assert neap("resize", "demo", "33554433").startswith("demo: rounded up to 32.0M, in steps of 4K\n")
    assert neap.top()["demo"]["granted"] == 32 * MIB + 4096
    neap("resize", "demo", "128M")
    assert neap.top()["demo"]["ballooned"] == 0
    assert re.fullmatch(r"demo: 128M -> 128M in \d+\.\d s\n", neap("resize", "demo", "128M"))


def test_resize_that_cannot_be(neap):
    """What is missing is told in time, and the request stands until it can be met."""
    neap.start("--memory", "64M", "--max", "64M")
    neap.shell("alloc 48M")
    said = neap.fails("resize", "demo", "32M", "--timeout", "2")
    assert re.search(r"demo has [45]\S+ after 2 s, [12]\S+ are missing: the guest still uses them", said), said
    neap.shell("free")
    wait_for(lambda: neap.top()["demo"]["granted"] == 32 * MIB, "the request that stands")


def test_resize_shows_progress_on_a_terminal(neap):
    """A bar that ends at 100 %."""
    neap.start("--memory", "256M", "--max", "256M")
    terminal = neap.terminal("resize", "demo", "64M")
    assert terminal.finish() == 0
    assert re.search(r"\[#{32}\] 100 %  64M of 64M", terminal.text)
    assert "demo: 256M -> 64M in" in terminal.text


def test_autosize_follows_the_load(neap):
    """Takes from an idle guest, gives before a growing one runs out, once or for as long as it lives."""
    neap.start("--memory", "256M", "--max", "256M")
    assert "demo: 256M -> 32M: uses" in neap("autosize", "demo", "--min", "32M", "--once")
    wait_for(lambda: neap.top()["demo"]["granted"] == 32 * MIB, "the size that was asked for")
    assert "demo: stays at 32M" in neap("autosize", "demo", "--min", "32M", "--once")
    terminal = neap.terminal("autosize", "demo", "--min", "32M", "--target", "30")
    for step in range(1, 21):
        neap.shell("alloc 4M")
        wait_for(lambda: (neap.top()["demo"]["used"] or 0) > step * 4 * MIB, "statistics")
    terminal.expect(r"demo: 32M -> \d+M: uses")
    # A block of the largest order may come out of the balloon while smaller ones are still free.
    taken = int(re.search(r"oom_deflated_bytes=(\d+)", neap.shell("balloon --machine")).group(1))
    assert taken <= 8 * MIB, "it had run out"
    neap.shell("free")
    terminal.expect(r"demo: \d+M -> 32M: uses")
    neap("stop", "demo", "--timeout", "0")
    terminal.expect("demo: has ended")
    assert terminal.finish() == 0


def test_growth_by_virtio_mem(neap):
    """Far beyond boot memory and back, to the byte; the host holds what is used."""
    neap.start("--memory", "64M", "--max", "2G")
    assert re.fullmatch(r"demo: 64M -> 1G in \d+\.\d s\n", neap("resize", "demo", "1G"))
    state = neap.top()["demo"]
    assert (state["granted"], state["plugged"], state["ballooned"]) == (1024 * MIB, 960 * MIB, 0)
    assert "failed" not in neap.shell("alloc 800M")
    wait_for(lambda: neap.top()["demo"]["used"] > 800 * MIB, "statistics")
    assert neap.top()["demo"]["rss"] > 800 * MIB
    assert "are missing: the guest still uses them" in neap.fails("resize", "demo", "64M", "--timeout", "2")
    neap.shell("free")
    neap("resize", "demo", "64M")
    assert neap.top()["demo"]["plugged"] == 0
    wait_for(lambda: neap.top()["demo"]["rss"] < 64 * MIB, "unplugged memory leaves the host")
    assert neap("resize", "demo", "65M").startswith("demo: rounded up to 66M, in steps of 2M\n")
    neap("resize", "demo", "2G")
    neap("resize", "demo", "32M")
    state = neap.top()["demo"]
    assert (state["granted"], state["plugged"], state["ballooned"]) == (32 * MIB, 0, 32 * MIB)


def test_autosize_by_virtio_mem(neap):
    """A guest of 64 MiB is grown ahead of a load far beyond that, and shrunk below it in the end."""
    neap.start("--memory", "64M", "--max", "1G")
    terminal = neap.terminal("autosize", "demo", "--min", "32M")
    for step in range(1, 13):
        assert "failed" not in neap.shell("alloc 32M"), "it had run out"
        wait_for(lambda: (neap.top()["demo"]["used"] or 0) > step * 32 * MIB, "statistics")
        wait_for(lambda: neap.top()["demo"]["granted"] >= (step + 1) * 32 * MIB, "room for the next step")
    assert neap.top()["demo"]["plugged"] >= 384 * MIB
    neap.shell("free")
    terminal.expect(r"demo: \d+M -> 32M: uses")
    wait_for(lambda: neap.top()["demo"]["granted"] == 32 * MIB, "the size that was asked for")
    assert neap.top()["demo"]["plugged"] == 0
    neap("stop", "demo", "--timeout", "0")
    terminal.expect("demo: has ended")
    assert terminal.finish() == 0
