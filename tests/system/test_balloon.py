# SPDX-License-Identifier: BSD-2-Clause
"""The balloon from the host's side."""

import itertools
import re
import time

import pytest
from harness import wait_for
from harness.machine import MACHINE
from harness.qemu import BALLOON

MIB = 1 << 20
DEVICE = "/machine/peripheral/balloon0"


def settle(guest, size):
    """Ask for `size` bytes and wait until QEMU counts exactly that."""
    guest.set_target(size)
    wait_for(lambda: guest.balloon_actual() == size, f"balloon at {size // MIB} MiB")


def check_accounting(guest):
    """Guest and host agree to the byte."""
    inside = guest.shell.machine("balloon")
    memory = guest.shell.machine("mem")
    assert guest.memory - guest.balloon_actual() == inside["actual_bytes"] == memory["ballooned"]
    assert memory["free"] + memory["kernel"] + memory["movable"] + memory["metadata"] + memory["ballooned"] \
        <= memory["total"]
    return memory


def test_inflate_and_deflate(boot):
    """Host memory follows the target both ways."""
    guest = boot(memory="1G", cpus=2, balloon=BALLOON.replace("reporting=on", "reporting=off"))
    guest.shell.run("alloc 512M")
    guest.shell.run("free")
    assert guest.rss() >= 512 * MIB
    settle(guest, 256 * MIB)
    assert check_accounting(guest)["ballooned"] == 768 * MIB
    wait_for(lambda: guest.rss() < 256 * MIB, "inflated memory leaves the host")
    settle(guest, 1024 * MIB)
    assert check_accounting(guest)["ballooned"] == 0
    assert "failed" not in guest.shell.run("alloc 700M")


def test_to_its_limits_a_hundred_times_under_load(boot):
    """From everything to almost nothing and back while the guest allocates; no byte is lost."""
    guest = boot(memory="256M", cpus=2)
    idle = check_accounting(guest)
    for turn in range(100):
        begin = guest.shell.start("bench churn 16M")
        settle(guest, 64 * MIB)
        guest.shell.finish(begin)
        assert turn % 10 or check_accounting(guest)["ballooned"] == 192 * MIB
        begin = guest.shell.start("bench order0")
        settle(guest, 256 * MIB)
        guest.shell.finish(begin)
    memory = check_accounting(guest)
    assert memory["ballooned"] == 0
    assert abs(memory["kernel"] - idle["kernel"]) < MIB, "kernel memory grew"
    assert guest.shell.machine("balloon")["resets"] == 0


def test_over_large_target(boot):
    """What can be taken is taken, a floor stays, it is said once, the guest lives."""
    guest = boot(memory="256M", balloon="virtio-balloon-pci,id=balloon0,free-page-reporting=on")
    begin = len(guest.serial.text)
    guest.set_target(MIB)
    inside = wait_for(lambda: (lambda state: state if state["unmet_bytes"] else None)(guest.shell.machine("balloon")),
                      "an unmet target")
    assert inside["actual_bytes"] > 200 * MIB
    for _ in range(10):
        time.sleep(0.3)  # the guest looks every second whether it can do more
        memory = guest.shell.machine("mem")
        assert memory["free"] >= inside["floor_bytes"] - MIB
    said = [line for line in guest.serial.text[begin:].splitlines() if re.search(r"\] balloon: .*target", line)]
    assert len(said) == 1, said
    assert "failed" not in guest.shell.run("alloc 2M")
    guest.shell.run("free")
    settle(guest, 256 * MIB)
    check_accounting(guest)


def test_deflate_on_oom(boot):
    """An allocation that would fail gets memory back from the host first."""
    guest = boot(memory="256M")
    settle(guest, 64 * MIB)
    assert "failed" not in guest.shell.run("alloc 128M")
    inside = guest.shell.machine("balloon")
    assert inside["oom_deflated_bytes"] >= 60 * MIB
    check_accounting(guest)


def test_without_deflate_on_oom(boot):
    """The feature is off: the allocation fails and says so, the balloon stays."""
    guest = boot(memory="256M", balloon="virtio-balloon-pci,id=balloon0")
    settle(guest, 64 * MIB)
    assert "ENOMEM" in guest.shell.run("alloc 128M")
    assert guest.balloon_actual() == 64 * MIB
    check_accounting(guest)


def test_statistics(boot):
    """guest-stats with polling: every figure fits what the guest says of itself."""
    guest = boot(memory="512M")
    guest.qmp.set(DEVICE, "guest-stats-polling-interval", 1)
    wait_for(lambda: guest.qmp.get(DEVICE, "guest-stats")["last-update"], "statistics")
    # The device keeps the buffer until it is asked again.
    pins = guest.shell.run("pins")
    assert re.search(rf"balloon0 {MACHINE.bus} \S+ stats +4 KiB  buffers of a device", pins)
    assert not re.search(r" 0 B  buffers of a device", pins), pins

    def figures():
        return guest.qmp.get(DEVICE, "guest-stats")["stats"]

    memory = guest.shell.machine("mem")
    assert figures()["stat-total-memory"] == memory["total"]
    assert abs(figures()["stat-free-memory"] - memory["free"]) < 4 * MIB
    guest.shell.run("alloc 256M")
    wait_for(lambda: figures()["stat-free-memory"] < memory["free"] - 250 * MIB, "statistics follow an allocation")
    known = [name for name, value in figures().items() if value != 2 ** 64 - 1]
    assert {"stat-free-memory", "stat-total-memory", "stat-available-memory"} <= set(known), known


@pytest.mark.parametrize("hint,reporting", itertools.product(("off", "on"), repeat=2))
def test_queue_numbers(boot, hint, reporting):
    """Whatever is offered beside statistics, each queue is found where this QEMU has it."""
    balloon = f"virtio-balloon-pci,id=balloon0,deflate-on-oom=on,free-page-reporting={reporting}"
    args = ()
    if hint == "on":
        balloon += ",free-page-hint=on,iothread=io0"
        args = ("-object", "iothread,id=io0")
    guest = boot(memory="512M", balloon=balloon, args=args)
    guest.qmp.set(DEVICE, "guest-stats-polling-interval", 1)
    wait_for(lambda: guest.qmp.get(DEVICE, "guest-stats")["last-update"], "statistics")
    guest.shell.run("alloc 256M")
    guest.shell.run("free")
    if reporting == "on":
        wait_for(lambda: guest.rss() < 48 * MIB, "reported memory leaves the host")
    settle(guest, 256 * MIB)
    settle(guest, 512 * MIB)
    inside = guest.shell.machine("balloon")
    assert inside["resets"] == 0
    assert ("queue_hint" in inside, "queue_report" in inside) == (hint == "on", reporting == "on")


def test_migration_with_hints(boot, tmp_path):
    """A migration into a file leaves out what the guest hinted, and the copy lives on."""
    args = ("-object", "iothread,id=io0")
    balloon = BALLOON.replace("reporting=on", "reporting=off") + ",free-page-hint=on,iothread=io0"
    guest = boot(memory="512M", balloon=balloon, args=args)
    guest.shell.run("alloc 384M")  # written once: without hints the file would hold it
    guest.shell.run("free")
    guest.shell.run("alloc 8M")
    state = tmp_path / "state"
    guest.qmp("migrate-set-parameters", max_bandwidth=64 * MIB)
    guest.qmp("migrate", uri=f"exec:cat > {state}")
    wait_for(lambda: guest.qmp("query-migrate")["status"] in ("completed", "failed"), "migration")
    assert guest.qmp("query-migrate")["status"] == "completed"
    size = state.stat().st_size
    copy = boot(memory="512M", balloon=balloon, ready=False, args=(*args, "-incoming", f"exec:cat {state}"))
    wait_for(lambda: copy.qmp("query-status")["status"] == "running", "the copy")
    inside = copy.shell.machine("balloon")
    assert inside["hint_rounds"] >= 1
    assert size < 256 * MIB, f"{size // MIB} MiB in the file"
    wait_for(lambda: copy.shell.machine("balloon")["hinted_bytes"] == 0, "hinted pages are the guest's again")
    assert "failed" not in copy.shell.run("alloc 384M")
