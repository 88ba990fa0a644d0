# SPDX-License-Identifier: BSD-2-Clause
"""Memory devices from the host's side: what is requested is what is plugged, exactly."""

import random

import pytest
from harness import wait_for
from harness.elastic import GIB, MIB, Elastic, check_elastic, plugged, request, settle
from harness.machine import MACHINE
from harness.migration import move
from harness.qemu import device_help


@pytest.mark.parametrize("block", [1 * MIB, 2 * MIB, 4 * MIB, 128 * MIB, GIB], ids=lambda size: f"{size // MIB}M")
def test_up_and_down(boot, block):
    """Every size that is asked for is reached, from nothing to all and back, with each block size."""
    size = max(2 * GIB, 2 * block)
    guest = boot(memory="128M", elastic=[Elastic(size, block)])
    empty = guest.shell.machine("mem")
    for part in (1, 4, 2, 3, 0, 4, 1, 0):
        settle(guest, size * part // 4 // block * block)
        check_elastic(guest)
        total = guest.shell.machine("mem")["total"]
        assert total - empty["total"] == plugged(guest)
    full = guest.shell.machine("mem")
    assert full["kernel"] - empty["kernel"] < MIB, "kernel memory grew"


def test_region_ends_anywhere(boot):
    """A region that neither starts nor ends where a memory block does is used to its last byte."""
    device = Elastic(1 * GIB + 10 * MIB, options=f",memaddr={5 * GIB + 6 * MIB:#x}")
    guest = boot(memory="128M", elastic=[device])
    settle(guest, device.size)
    assert "failed" not in guest.shell.run("alloc 1000M")
    guest.shell.run("free")
    settle(guest, 6 * MIB)
    settle(guest, 0)
    check_elastic(guest)


def resize_both(guest):
    """Two devices of 1 GiB grow and shrink at the same time. Returns what the guest says of them."""
    for first, second in ((256, 1024), (1024, 0), (512, 512), (0, 4), (0, 0)):
        request(guest, first * MIB, 0)
        settle(guest, second * MIB, 1)
        settle(guest, first * MIB, 0)
        check_elastic(guest, 0)
    return check_elastic(guest, 1)


def test_two_devices(boot):
    """Each device reaches its own size."""
    resize_both(boot(memory="128M", elastic=[Elastic(GIB), Elastic(GIB, 4 * MIB)]))


def test_two_devices_on_two_nodes(boot):
    """The same in a machine with nodes; the guest knows them."""
    guest = boot(memory="128M", nodes=2, elastic=[Elastic(GIB, node=0), Elastic(GIB, 4 * MIB, node=1)])
    inside = resize_both(guest)
    assert (inside["mem0.node"], inside["mem1.node"]) == (0, 1)


def test_small_guest_grows_to_16_gib(boot):
    """64 MiB of boot memory carry 16 GiB; what was used in between leaves the host again."""
    guest = boot(memory="64M", cpus=2, elastic=[Elastic(16 * GIB)])
    settle(guest, 16 * GIB)
    assert "failed" not in guest.shell.run("alloc 2G")
    guest.shell.run("free")
    settle(guest, 0)
    inside = check_elastic(guest)
    assert inside["mem0.unmet_bytes"] == 0


def test_large_region_costs_nothing(boot):
    """A region of 512 GiB of which little is plugged: no memory, no time."""
    small = boot(memory="64M", elastic=[Elastic(GIB)])
    large = boot(memory="64M", elastic=[Elastic(512 * GIB)])
    used = [guest.shell.machine("mem")["kernel"] for guest in (small, large)]
    assert used[1] - used[0] < 128 << 10, used
    settle(large, 64 * MIB)
    settle(large, 0)
    check_elastic(large)


@pytest.mark.parametrize("keep", [2, 10, 512])
def test_worst_fragmentation(boot, keep):
    """Three quarters full, then every n-th page alone is kept: all that is not needed goes."""
    guest = boot(memory="128M", cpus=2, elastic=[Elastic(GIB)])
    settle(guest, GIB)
    check_elastic(guest)
    guest.shell.run("alloc 768M")
    guest.shell.run(f"thin 1 {keep}")
    live = 768 * MIB // keep
    # What stays: the live pages with the frames of their memory, less what boot memory can hold.
    goal = max(0, (live * 17 // 16 - 64 * MIB) // (2 * MIB) * 2 * MIB + 2 * MIB)
    before = guest.shell.machine("vmem")["mem0.unplug_ack"]
    settle(guest, goal)
    inside = check_elastic(guest)
    assert inside["mem0.unmet_bytes"] == 0
    # Neighbours go together, but no more than can be called back soon.
    requests = inside["mem0.unplug_ack"] - before
    assert requests < (GIB - goal) // (8 * MIB), f"{requests} requests"
    output = guest.shell.run("free 1")
    assert "free:" in output and "failed" not in output
    settle(guest, 0)


@pytest.mark.parametrize("debug", [False, True], ids=["release", "debug"])
@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_storm(boot, cpus, debug):
    """Random requests while every CPU writes, verifies and gives back memory: no byte is lost."""
    chance = random.Random(cpus)
    guest = boot(memory="128M", cpus=cpus, elastic=[Elastic(GIB)], debug=debug)
    settle(guest, GIB)
    check_elastic(guest)
    guest.shell.run("load start 160M")
    for _ in range(MACHINE.storm_turns):
        request(guest, chance.randrange(64, 513) * 2 * MIB)
        if chance.random() < 0.2:
            wait_for(lambda: plugged(guest) == guest.qmp.get("/machine/peripheral/vmem0", "requested-size"),
                     "what was requested", interval=0.01)
    settle(guest, 512 * MIB)
    check_elastic(guest)
    assert " 0 errors" in guest.shell.run("load stop")
    settle(guest, 0)
    check_elastic(guest)


def test_request_changes_in_mid_flight(boot):
    """Only the last of many requests counts, and none is exceeded."""
    guest = boot(memory="128M", cpus=2, elastic=[Elastic(4 * GIB)])
    for turn in range(20):
        request(guest, 4 * GIB)
        request(guest, 256 * MIB)
        request(guest, (1 + turn % 4) * GIB)
        request(guest, 512 * MIB)
        settle(guest, (turn % 2) * GIB)
    check_elastic(guest)


def test_live_memory_that_fits_nowhere(boot):
    """Asked for less than the application holds: it says how much is missing, and goes on later."""
    guest = boot(memory="128M", elastic=[Elastic(GIB)])
    settle(guest, GIB)
    check_elastic(guest)
    guest.shell.run("alloc 512M")
    request(guest, 0)
    inside = wait_for(lambda: (lambda state: state if state["mem0.unmet_bytes"] and
                               state["mem0.state"] == "waiting" else None)(guest.shell.machine("vmem")),
                      "a refusal")
    assert inside["mem0.missing_bytes"] > 0
    assert 380 * MIB < plugged(guest) < 520 * MIB
    assert "failed" not in guest.shell.run("free 1")
    wait_for(lambda: plugged(guest) == 0, "the rest, without being asked again")
    check_elastic(guest)


def test_pin_holds_a_block_back(boot):
    """A pinned page refuses with its owner's name; when the pin goes, the rest follows."""
    guest = boot(memory="64M", elastic=[Elastic(512 * MIB)])
    settle(guest, 512 * MIB)
    check_elastic(guest)
    guest.shell.run("alloc 256M")
    guest.shell.run("pins hold 1")
    guest.shell.run("thin 1 512")
    request(guest, 0)
    inside = wait_for(lambda: (lambda state: state if state["mem0.pinned_bytes"] else None)
                      (guest.shell.machine("vmem")), "a refusal")
    assert inside["mem0.holder"], inside
    assert plugged(guest) > 0
    guest.shell.run("pins drop")
    wait_for(lambda: plugged(guest) == 0, "the rest, without being asked again")
    check_elastic(guest)


def test_device_reset_with_memory_plugged(boot):
    """A reset keeps memory plugged, and in use; the driver asks the device what it has, and goes on."""
    guest = boot(memory="128M", cpus=2, elastic=[Elastic(GIB)])
    settle(guest, 512 * MIB)
    check_elastic(guest)
    guest.shell.run("load start 200M")
    for size in (512, 384, 640, 256):
        request(guest, size * MIB)
        assert "reset:" not in guest.shell.run("reset mem0")
        settle(guest, size * MIB)
    assert " 0 errors" in guest.shell.run("load stop")
    settle(guest, 0)
    check_elastic(guest)


def test_reboot_with_memory_plugged(boot):
    """After a reboot of the guest the device is used from where QEMU left it."""
    guest = boot(memory="128M", elastic=[Elastic(GIB)])
    settle(guest, 512 * MIB)
    check_elastic(guest)
    guest.shell.run("alloc 300M")
    begin = len(guest.serial.text)
    guest.serial.send("reboot\r")
    guest.shell.wait_ready(begin)
    wait_for(lambda: plugged(guest) == 512 * MIB, "the size that is still requested")
    assert "failed" not in guest.shell.run("alloc 400M")
    guest.shell.run("free")
    settle(guest, 0)
    check_elastic(guest)


@pytest.mark.parametrize("first,then", [(GIB, 256 * MIB), (64 * MIB, GIB)], ids=["unplug", "plug"])
def test_migration_in_mid_flight(boot, tmp_path, first, then):
    """The host moves the guest while it plugs or unplugs; the copy goes on and loses nothing."""
    options = {"memory": "128M", "cpus": 2, "elastic": [Elastic(GIB)]}
    guest = boot(**options)
    settle(guest, first)
    guest.shell.run("load start 100M" if first == GIB else "load start 40M")
    copy = boot(**options, ready=False, args=("-incoming", f"unix:{tmp_path}/socket"))
    request(guest, then)
    move(guest, copy, f"unix:{tmp_path}/socket")
    settle(copy, then)
    assert " 0 errors" in copy.shell.run("load stop")
    settle(copy, 0)
    check_elastic(copy)


def test_busy_while_migrating(boot):
    """A device that migrates refuses; the guest says so, and goes on when the host has given up."""
    guest = boot(memory="1G", elastic=[Elastic(GIB)])
    settle(guest, 64 * MIB)
    guest.shell.run("alloc 200M")
    guest.qmp("migrate-set-parameters", max_bandwidth=1 << 20)
    guest.qmp("migrate", uri="exec:cat > /dev/null")
    wait_for(lambda: guest.qmp("query-migrate").get("status") == "active", "migration")
    request(guest, 512 * MIB)
    wait_for(lambda: guest.shell.machine("vmem")["mem0.plug_busy"] > 0, "a refusal")
    assert "the device is busy" in guest.shell.run("vmem")
    assert plugged(guest) == 64 * MIB
    guest.qmp("migrate_cancel")
    wait_for(lambda: plugged(guest) == 512 * MIB, "the request that stands")
    settle(guest, 0)
    check_elastic(guest)


def test_dynamic_memslots(boot):
    """Newer QEMUs map a region piece by piece: nothing changes for the guest."""
    if "dynamic-memslots" not in device_help():
        pytest.skip("this QEMU has no dynamic-memslots")
    guest = boot(memory="128M", cpus=2, elastic=[Elastic(4 * GIB, options=",dynamic-memslots=on")])
    for size in (GIB, 4 * GIB, 64 * MIB, 2 * GIB, 0):
        settle(guest, size)
    check_elastic(guest)


def wait_for_balloon(guest, size):
    """Until QEMU counts exactly that much memory beside the balloon."""
    wait_for(lambda: guest.balloon_actual() == size, f"balloon at {size // MIB} MiB")


def test_balloon_and_reporting_beside(boot):
    """All three take memory and give it back, at the same time; the sums hold in the end."""
    chance = random.Random(3)
    guest = boot(memory="256M", cpus=2, elastic=[Elastic(GIB)])
    guest.shell.run("load start 100M")
    for _ in range(60):
        request(guest, chance.randrange(513) * 2 * MIB)
        guest.set_target(chance.randrange(160, 257) * MIB)
    guest.set_target(256 * MIB)
    settle(guest, 512 * MIB)
    assert " 0 errors" in guest.shell.run("load stop")
    settle(guest, 0)
    wait_for_balloon(guest, 256 * MIB)
    check_elastic(guest)
    memory = guest.shell.machine("mem")
    assert memory["ballooned"] == 0
    wait_for(lambda: guest.process_rss() < 256 * MIB, "free memory leaves the host")


def test_unplug_of_ballooned_memory(boot):
    """What the balloon holds in elastic memory leaves it, and the balloon keeps its size elsewhere."""
    guest = boot(memory="512M", cpus=2, elastic=[Elastic(512 * MIB)])
    for target in (384 * MIB, 256 * MIB):
        settle(guest, 512 * MIB)
        check_elastic(guest)
        guest.set_target(target)
        wait_for_balloon(guest, target)
        assert 512 * MIB - guest.shell.machine("mem")["elastic_free"] > 100 * MIB, "nothing of it is elastic"
        for size in (128 * MIB, 0):
            settle(guest, size)
            wait_for_balloon(guest, target)
    assert guest.shell.machine("balloon")["vacated_bytes"] > 0
    guest.set_target(512 * MIB)
    wait_for_balloon(guest, 512 * MIB)
    check_elastic(guest)
    assert guest.shell.machine("mem")["ballooned"] == 0


def test_loadvm(boot, tmp_path, run_tool):
    """Back to a snapshot with another plugged size: the guest's view and the device's agree."""
    disk = tmp_path / "state.qcow2"
    run_tool("qemu-img", "create", "-q", "-f", "qcow2", disk, "64M")
    guest = boot(memory="128M", elastic=[Elastic(GIB)], args=("-drive", f"if=none,id=state,file={disk}"))
    settle(guest, 512 * MIB)
    check_elastic(guest)
    guest.shell.run("alloc 200M")
    assert "Error" not in guest.qmp("human-monitor-command", command_line="savevm one")
    guest.shell.run("free")
    settle(guest, 64 * MIB)
    assert "Error" not in guest.qmp("human-monitor-command", command_line="loadvm one")
    wait_for(lambda: plugged(guest) == 512 * MIB, "the snapshot's size")
    assert "failed" not in guest.shell.run("free 1")
    settle(guest, 0)
    check_elastic(guest)
