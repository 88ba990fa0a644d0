# SPDX-License-Identifier: BSD-2-Clause
"""The host tool with real guests."""

import json
import os
import re
import signal
import socket
import subprocess
import termios
import urllib.request

import pytest
from harness import wait_for
from harness.qemu import ROOT, image, qemu_program
from harness.rss import guest_rss

MIB = 1 << 20


def qemu_pid(neap, name="demo"):
    """The process that runs a guest."""
    return json.loads(neap.path("state.json", name).read_text())["pid"]


def test_life_of_a_detached_guest(neap):
    """Started, listed, used over its console, stopped; nothing stays behind."""
    neap.start("--memory", "64M", "--max", "1G", "--smp", "2", "--net", "user")
    heading, row = neap("list").splitlines()
    assert heading.split() == ["NAME", "STATE", "PID", "ACCEL", "GRANTED", "MAX", "IMAGE"]
    assert row.split() == ["demo", "running", str(qemu_pid(neap)), row.split()[3], "64M", "1G", str(image())]
    assert neap("list", "--quiet") == "demo\n"
    answer = neap("console", "demo", text="threads\n")
    assert answer.startswith("threads") and "idle" in answer and answer.endswith("neap> ")
    neap("stop", "demo", "--timeout", "1")
    assert neap("list", "--quiet") == ""
    assert os.listdir(neap.home / "neap") == []


def test_stop_asks_first(neap):
    """The power button, or what was done instead, is told; without asking QEMU ends at once."""
    neap.start()
    said = neap("stop", "demo", "--timeout", "1")
    assert said == "demo: powered off\n" or \
        said == "demo: did not power off within 1 s of being asked\ndemo: ended by QEMU\n"
    neap.start()
    assert neap("stop", "demo", "--timeout", "0") == "demo: ended by QEMU\n"


def test_stop_of_a_mute_qemu(neap):
    """A QEMU that does not run is killed."""
    neap.start()
    pid = qemu_pid(neap)
    os.kill(pid, signal.SIGSTOP)
    assert neap("stop", "demo", "--timeout", "0") == "demo: QEMU did not answer: killed\n"
    assert not os.path.exists(f"/proc/{pid}")


def test_detached_guest_that_ended(neap):
    """How it ended and what it said can be seen until its name is used again."""
    neap.start()
    with open(neap.path("console.in"), "w", encoding="ascii") as keys:
        keys.write("panic\r")
    wait_for(lambda: "ended 5: panic" in neap("list"), "the end in the list")
    assert "panic: asked for by the shell" in neap.said()
    assert neap.top() == {}
    assert neap.fails("resize", "demo", "32M").startswith("neap: ended already: 'demo'; none is running")
    assert neap("stop", "demo") == "demo: had ended already (5: panic); its files are removed\n"
    neap.start()
    os.kill(qemu_pid(neap), signal.SIGKILL)
    wait_for(lambda: "ended 137" in neap("list"), "the kill in the list")
    neap.start()
    assert " running " in neap("list")


@pytest.mark.parametrize("append,keys,status", [("test=format_basics", None, 0), ("test=no_such_test", None, 3),
                                                ("", "poweroff\r", 0), ("", "panic\r", 5)],
                         ids=["tests-pass", "tests-fail", "poweroff", "panic"])
def test_exit_status_in_the_foreground(neap, append, keys, status):
    """The guest's, and no files stay."""
    process = neap.spawn("--append", append)
    said = ""
    if keys:
        while "neap> " not in said:
            said += process.stdout.read(1)
        process.stdin.write(keys)
    said += process.communicate(timeout=60)[0]
    assert process.returncode == status, said
    assert re.search(r"^neap: neap-shell: (kvm|tcg) \(.+\), 64M of memory, at most 8G, 1 CPU$", said, re.MULTILINE)
    assert os.listdir(neap.home / "neap") == []


def test_iso(neap):
    """An ISO starts by its own boot loader."""
    neap.start(kind="iso")
    assert "multiboot2" in neap.said()
    assert "--append needs an .elf" in neap.fails("run", image("iso"), "--append", "x")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_end_of_the_foreground_ends_the_guest(neap, number):
    """However the tool ends, QEMU does not stay."""
    process = neap.spawn("--name", "demo")
    wait_for(lambda: neap("list", "--quiet"), "the guest")
    wait_for(lambda: neap.path("qmp").exists(), "QEMU")
    pid = wait_for(lambda: qemu_pid(neap), "its number")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (128 + number if number == signal.SIGTERM else -number)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}") or
             open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2] == "Z", "the end of QEMU", 20)


def test_terminal_of_the_foreground(neap):
    """The shell is on the terminal, which is as before when QEMU has been killed."""
    terminal = neap.terminal("run", image(), "--name", "demo", "--qemu", qemu_program())
    before = termios.tcgetattr(terminal.end)
    terminal.expect("neap> ")
    assert termios.tcgetattr(terminal.end) != before
    terminal.send("mem\r")
    terminal.expect("total")
    os.kill(qemu_pid(neap), signal.SIGKILL)
    status = terminal.wait()
    assert termios.tcgetattr(terminal.end) == before
    assert status == 137


def test_errors_name_the_remedy(neap):
    """Each message says what to do."""
    neap.start("--max", "1G")
    assert neap.fails("resize", "other", "32M") == "neap: no guest is named 'other'; running: demo\n"
    assert "demo: 2G is more than the guest can have, 1G: start it with --max 2G" in neap.fails("resize", "demo", "2G")
    assert "write a whole number" in neap.fails("resize", "demo", "much", status=2)
    assert "neap resize --help" in neap.fails("resize", "demo", status=2)
    assert "--min is above --max" in neap.fails("autosize", "demo", "--min", "512M", "--max", "64M")
    assert "--target is '95': give a whole number from 1 to 90" in \
        neap.fails("autosize", "demo", "--target", "95", status=2)
    assert "`neap stop demo`" in neap.fails("run", image(), "--detach", "--name", "demo")
    assert "neither an ELF image nor an ISO" in neap.fails("run", ROOT / "Makefile")
    assert "`make` builds" in neap.fails("run", "/nowhere.elf")
    assert "--max is below --memory 2G" in neap.fails("run", image(), "--memory", "2G", "--max", "1G")
    assert "give --qemu PROGRAM" in neap.fails("run", image(), "--detach", "--qemu", "/nowhere")
    assert "give user, tap:NAME or none" in neap.fails("run", image(), "--net", "tap", status=2)
    assert "--forward is for --net user" in \
        neap.fails("run", image(), "--net", "tap:t0", "--forward", "1:2", status=2)
    assert "use --once" in neap.fails("top", status=2)
    assert "run, list, stop" in neap.fails("fly", status=2)
    os.chmod(neap.home / "neap", 0o755)
    assert "chmod 700" in neap.fails("list")
    os.chmod(neap.home / "neap", 0o700)


def test_qemu_that_fails(neap):
    """What QEMU says reaches the terminal, in the foreground, and its log otherwise."""
    status, said = neap.status("run", image(), "--memory", "64M", "--qemu", "/bin/false")
    assert status == 1, said
    said = neap.fails("run", image(), "--detach", "--name", "bad", "--qemu", "/bin/false")
    assert "bad has ended at once (1: QEMU failed): see" in said and "qemu.log" in said


def test_top_tells_guests_apart(neap):
    """Statistics, host memory and CPU use of two guests at once."""
    neap.start("--memory", "64M", "--max", "64M", name="small")
    neap.start("--memory", "256M", "--max", "256M", name="large")
    neap.shell("alloc 128M", name="large")
    wait_for(lambda: (neap.top()["large"]["used"] or 0) > 128 * MIB, "statistics of the large guest")
    wait_for(lambda: neap.top()["small"]["used"], "statistics of the small guest")
    top = neap.top()
    assert list(top) == ["large", "small"]
    large, small = top["large"], top["small"]
    assert large["state"] == small["state"] == "running"
    assert large["granted"] == 256 * MIB and small["granted"] == 64 * MIB
    assert large["used"] < 132 * MIB and small["used"] < 8 * MIB
    assert abs(large["used"] + large["free"] - 256 * MIB) < 2 * MIB
    assert 128 * MIB <= large["rss"] < 160 * MIB and small["rss"] < 32 * MIB
    assert abs(large["rss"] - guest_rss(qemu_pid(neap, "large"), 256 * MIB)) < MIB
    assert large["cpu"] < 150
    os.kill(qemu_pid(neap, "small"), signal.SIGSTOP)
    mute = neap.top()["small"]
    assert mute["state"] == "no-answer" and mute["granted"] is None and mute["rss"] == small["rss"]
    os.kill(qemu_pid(neap, "small"), signal.SIGCONT)


def test_top_lives_on_a_terminal(neap):
    """The table follows, q ends it and gives the terminal back."""
    neap.start("--memory", "64M", "--max", "64M")
    terminal = neap.terminal("top", "--interval", "1")
    terminal.expect(r"demo\S+running\S+64M")  # the cursor jumps over what is blank
    neap("resize", "demo", "48M")
    terminal.expect(r"16M")
    terminal.send("q")
    assert terminal.finish() == 0
    assert "\x1b[?1049l" in terminal.text, "the screen of before comes back"


def test_console_on_a_terminal(neap):
    """Keys go to the guest, Ctrl-] leaves; a guest that ends ends the console."""
    neap.start()
    terminal = neap.terminal("console", "demo")
    terminal.expect("Ctrl-] leaves")
    terminal.send("alloc 1M\r")
    terminal.expect(r"alloc: id 1, 1 MiB")
    terminal.send("\x1d")
    assert terminal.finish() == 0
    terminal = neap.terminal("console", "demo")
    terminal.expect(r"alloc: id 1, 1 MiB")  # the past, to know where one is
    terminal.send("poweroff\r")
    terminal.expect("demo has ended")
    assert terminal.finish() == 0
    assert "ended 0: powered off" in neap("list")


def test_monitor_held_by_another_program(neap):
    """Commands give up in time and say why."""
    neap.start()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(neap.path("qmp")))
        assert "does another program hold the monitor?" in neap.fails("resize", "demo", "32M")
        assert "no answer" in neap("list")
    wait_for(lambda: "running" in neap("list"), "the monitor")


def test_commands_at_once(neap):
    """Several commands on one guest wait for each other."""
    neap.start("--memory", "128M", "--max", "128M")
    neap.shell("alloc 100M")
    slow = subprocess.Popen([ROOT / "build/host/neap", "resize", "demo", "64M", "--timeout", "5"], env=neap.env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(20):
        assert neap.top()["demo"]["state"] == "running"
        assert " running " in neap("list")
    assert slow.wait(60) == 1


def test_forward(neap):
    """A service of the guest answers on a port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    neap.start("--forward", f"{port}:80", app="full")
    wait_for(lambda: "serving port 80" in neap.said(), "the web server")

    def page():
        try:
            return urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=10).read().decode()
        except OSError:
            return None

    assert "memory" in wait_for(page, "an address in the guest")
