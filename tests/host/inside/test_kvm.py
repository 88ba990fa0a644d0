# SPDX-License-Identifier: BSD-2-Clause
"""neap under KVM, as its host sees it."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from harness.qemu import Guest

MIB = 1 << 20
DEBUG = pathlib.Path("/sys/kernel/debug/kvm")
ALLOC = 128 * MIB
MAC = "52:54:00:00:00:07"
PLATFORM = "disable-legacy=on,iommu_platform=on"  # the simulator takes no driver without
SECONDS = 300  # of a program: finds hangs


def counter(name):
    """One of KVM's statistics, over all guests."""
    return int((DEBUG / name).read_text())


def run(*command):
    """Run a program; returns what it printed."""
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, check=False)
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}"
    return result.stdout


def run_beside(guest, *command):
    """Run a program while the guest has something to do; returns what the program printed."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as program:
        while program.poll() is None:
            guest.shell.run("mem")
        text = program.stdout.read()
    assert program.returncode == 0, text
    return text


def test_neap_runs_under_kvm():
    """QEMU says that KVM is on, and KVM that its guest leaves."""
    with Guest(cpus=2) as guest:
        guest.ready()
        assert guest.qmp("query-kvm")["enabled"]
        assert counter("exits") > 0
        guest.serial.send("poweroff\r")
        assert guest.wait() == 0


@pytest.mark.parametrize("folder, huge", [("/dax", True), ("/small", False)])
def test_huge_mappings_of_a_file(folder, huge):
    """Memory on a DAX file is mapped by 2 MiB; on a file of small pages by 4 KiB."""
    backing = pathlib.Path(folder) / "ram"
    args = ("-object", f"memory-backend-file,id=file0,mem-path={backing},share=on,size=256M,align=2M",
            "-machine", "memory-backend=file0")
    with Guest(memory="256M", reserve=False, args=args) as guest:
        guest.ready().shell.run(f"alloc {ALLOC // MIB}M")
        found = counter("pages_2m")
        print(f"{folder}: pages_2m {found}, pages_4k {counter('pages_4k')}", file=sys.__stdout__)
        assert (found >= ALLOC // (2 * MIB)) if huge else found == 0
    backing.unlink()


def test_vhost_vdpa():
    """neap's virtio-net on the vDPA simulator: broadcasts come back, and the simulator counts them."""
    if not shutil.which("vdpa"):
        pytest.skip("no vdpa: install iproute2")
    run("vdpa", "dev", "add", "name", "sim0", "mgmtdev", "vdpasim_net", "mac", MAC)
    node = next(pathlib.Path("/dev").glob("vhost-vdpa-*"))
    try:
        with Guest(app="full", append="ip=10.9.0.2/24", args=(
                "-netdev", f"vhost-vdpa,id=net0,vhostdev={node}",
                "-device", f"virtio-net-pci,netdev=net0,mac={MAC},{PLATFORM}")) as guest:
            guest.ready().serial.expect("httpd: serving port")
            guest.shell.run("ping 10.9.0.3 1")  # nobody answers: ARP asks everybody, and everybody is the guest
            found = guest.shell.machine("net")
            print(f"neap: {found['net0_tx_frames']} frames out, {found['net0_rx_frames']} in", file=sys.__stdout__)
            print(run("vdpa", "dev", "vstats", "show", "sim0", "qidx", "1"), file=sys.__stdout__)
            assert 0 < found["net0_rx_frames"] <= found["net0_tx_frames"] and found["net0_rx_errors"] == 0
    finally:
        run("vdpa", "dev", "del", "sim0")


def test_kvm_stat():
    """The kvm_stat of the patched source counts exits of a guest, by reason."""
    with Guest() as guest:
        text = run_beside(guest.ready(), sys.executable, "/bin/kvm_stat", "--once", "--tracepoints", "--debugfs")
    counts = {name: int(total) for name, total in re.findall(r"^(\S+)\s+(\d+)\s+\d+$", text, re.MULTILINE)}
    reasons = {name: count for name, count in counts.items() if name.startswith("kvm_exit(") and count}
    print(f"kvm_exit {counts.get('kvm_exit')}: {reasons}", file=sys.__stdout__)
    assert counts["kvm_exit"] > 0 and sum(reasons.values()) > 0, text


def test_perf_kvm_stat(tmp_path):
    """perf records a guest's exits and finds their reasons."""
    perf = shutil.which("perf")
    if not perf:
        pytest.skip("no perf: install linux-perf")
    data = tmp_path / "perf.data"
    with Guest() as guest:
        run_beside(guest.ready(), perf, "kvm", "stat", "record", "-p", str(guest.process.pid), "-o", data, "sleep", "5")
    text = run(perf, "kvm", "-i", data, "stat", "report")
    print(text, file=sys.__stdout__)
    assert re.search(r"^\s*(?:npf|io|hlt|msr|interrupt)\s+\d+", text, re.MULTILINE | re.IGNORECASE), text
