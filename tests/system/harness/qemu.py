# SPDX-License-Identifier: BSD-2-Clause
"""A QEMU process with a neap guest in it."""

import ctypes
import itertools
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess

from . import HANG_SECONDS
from .elastic import elastic_args
from .machine import ARCH, MACHINE, MICROVM, on_bus
from .qmp import Qmp
from .rss import guest_rss, process_rss
from .serial import Serial
from .shell import Shell

ROOT = pathlib.Path(__file__).resolve().parents[3]
LOGS = ROOT / "build/test-logs"
CPUS, KVM = pathlib.Path("/proc/cpuinfo"), "/dev/kvm"
BALLOON = "virtio-balloon-pci,id=balloon0,free-page-reporting=on,deflate-on-oom=on"
# The guest's clock counts its instructions. Only the translator can do that.
ICOUNT = ("-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm")
MEMORY_SLACK = 8 << 30  # addresses for regions that start where a test wants them to
_numbers = itertools.count(1)


def image(kind="elf", debug=False, app="shell"):
    """Path of a built image."""
    return ROOT / f"build/{ARCH}{'-debug' if debug else ''}/neap-{app}.{kind}"


def qemu_program():
    """The QEMU to test with: QEMU=new is the newest that Debian has."""
    chosen = os.environ.get("QEMU", "")
    return str(ROOT / "tools/qemu-new") if chosen == "new" else chosen or MACHINE.qemu


def device_help(device="virtio-mem-pci"):
    """What this QEMU says about a device's properties."""
    return subprocess.run([*shlex.split(qemu_program()), "-device", on_bus(f"{device},help")], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def no_kvm():
    """Why guests cannot run under KVM here, or None. A software stand-in cannot run a whole guest, so it does not count."""
    flags = CPUS.read_text(encoding="utf-8", errors="replace")
    if not re.search(r"\b(vmx|svm|sie)\b", flags):
        return "/proc/cpuinfo shows none of vmx, svm, sie: the CPU has no virtualization, or it is off in the firmware"
    try:
        os.close(os.open(KVM, os.O_RDWR))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}: load kvm_intel or kvm_amd, and be in the group kvm"
    return None


def accelerator():
    """KVM where the hardware has it."""
    return "tcg" if no_kvm() else "kvm"


def firmware():
    """Path of the UEFI firmware."""
    for name in ("OVMF_CODE_4M.fd", "OVMF_CODE.fd"):
        path = pathlib.Path("/usr/share/OVMF") / name
        if path.exists():
            return path
    raise FileNotFoundError("no UEFI firmware: install the package ovmf")


def parse_size(text):
    """Bytes of a size such as 64M."""
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]]


def memory_args(size, nodes, reserve, elastic, shared):
    """Boot memory, split evenly between NUMA nodes, and room for the regions of memory devices.

    Shared memory is for back ends of devices in other processes.
    """
    kind = "memory-backend-memfd,share=on" if shared else "memory-backend-ram"
    args = ["-m", f"{size >> 20}M"]
    if elastic:
        room = size + sum(device.size for device in elastic) + MEMORY_SLACK
        args[-1] += f",maxmem={room >> 20}M"
    for node in range(nodes):
        args += ["-object", f"{kind},id=ram{node},size={size // nodes},"
                            f"reserve={'on' if reserve else 'off'}"]
        args += ["-numa", f"node,nodeid={node},memdev=ram{node}"] if nodes > 1 else ["-machine", "memory-backend=ram0"]
    return args


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Guest:
    """One guest, from the start of QEMU to its end. Use it in a `with` statement."""

    # pylint: disable=too-many-arguments,too-many-instance-attributes
    def __init__(self, boot="pvh", memory="256M", cpus=1, machine=MACHINE.default, append="", debug=False,
                 balloon=BALLOON, debug_exit=True, cpu="max", reserve=True, elastic=(), nodes=1, iso=None,
                 icount=False, args=(), fds=(), name="guest", app="shell", shared=False,
                 console=("-serial", "chardev:serial")):
        self.memory = parse_size(memory)
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}-{os.getpid()}-{next(_numbers)}"
        self.serial = Serial(f"{self.log}.pipe")
        monitor, monitor_end = socket.socketpair()
        command = [
            *shlex.split(qemu_program()), "-accel", "tcg" if icount else accelerator(), "-cpu", cpu, "-nodefaults",
            "-display", "none", "-machine", machine, *memory_args(self.memory, nodes, reserve, elastic, shared),
            "-smp", str(cpus),
            "-chardev", f"pipe,id=serial,path={self.serial.path},logfile={self.log}.serial",
            *console,
            "-chardev", f"socket,id=monitor,fd={monitor_end.fileno()}", "-mon", "chardev=monitor,mode=control",
        ]
        if debug_exit:
            command += MACHINE.exit_args
        if balloon:
            command += ["-device", balloon]
        command += elastic_args(elastic)
        if boot == "pvh":
            command += ["-kernel", str(image("elf", debug, app)), "-append", append]
        else:
            if boot == "uefi":
                command += ["-drive", f"if=pflash,format=raw,readonly=on,file={firmware()}"]
            command += ["-cdrom", str(iso or image("iso", debug, app))]
        command += ICOUNT if icount else ()
        command += args
        if machine == MICROVM:
            command += ["-global", "virtio-mmio.force-legacy=false"]
        command = [on_bus(argument, machine) for argument in command]
        pathlib.Path(f"{self.log}.cmd").write_text(shlex.join(command) + "\n", encoding="utf-8")
        with open(f"{self.log}.stderr", "wb") as errors:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                pass_fds=(monitor_end.fileno(), *fds), preexec_fn=_die_with_parent)
        monitor_end.close()
        self.shell = Shell(self.serial)
        try:
            self.qmp = Qmp(monitor)
            self.serial.connected()
        except ConnectionError as error:
            self.close()
            raise RuntimeError(f"QEMU did not start: {self.stderr()}\n{shlex.join(command)}") from error
        self.monitor = monitor

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End QEMU if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.serial.close()

    def stderr(self):
        """What QEMU said."""
        return pathlib.Path(f"{self.log}.stderr").read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds=HANG_SECONDS):
        """QEMU's exit code, once the guest has ended by itself."""
        code = self.process.wait(seconds)
        self.serial.drain()
        return code

    def ready(self):
        """Wait for the prompt; returns the guest itself."""
        self.shell.wait_ready()
        return self

    def rss(self):
        """Resident bytes of the guest's memory on the host."""
        return guest_rss(self.process.pid, self.memory)

    def process_rss(self):
        """Resident bytes of QEMU: boot memory, memory devices, and QEMU's own."""
        return process_rss(self.process.pid)

    def balloon_actual(self):
        """Bytes that QEMU thinks the guest has."""
        return self.qmp("query-balloon")["actual"]

    def set_target(self, size):
        """Ask the guest to have `size` bytes."""
        self.qmp("balloon", value=size)
