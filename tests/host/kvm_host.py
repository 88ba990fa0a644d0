# SPDX-License-Identifier: BSD-2-Clause
"""A Linux KVM host in an emulator: Debian's cloud kernel on an AMD CPU with SVM (QEMU) or an Intel CPU with VMX
(Bochs), and an initramfs with the programs of a test.
"""

import gzip
import pathlib
import re
import shutil
import subprocess
import tempfile

import bochs

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPLETS = "sh mount insmod echo cat rm mkdir poweroff sleep"
# In the order of their dependencies. nd_e820 finds the memory that memmap=nn!ss sets aside.
MODULES = ("irqbypass", "kvm force_emulation_prefix=1", "{vendor} nested=1", "libnvdimm", "nd_btt", "nd_pmem", "nd_e820")
VENDORS = {"svm": "kvm-amd", "vmx": "kvm-intel"}
# -cpu max would do, but a named CPU does not change with QEMU; TCG has no feature that a test needs and EPYC lacks.
QEMU = ("qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "EPYC,+svm,+umip", "-m", "1024", "-nodefaults",
        "-display", "none", "-serial", "stdio", "-no-reboot")
COMMAND_LINE = "console=ttyS0 quiet panic=-1 memmap=128M!640M"
RESULT = re.compile(r"^RESULT (\S+) (\d+)\r?$", re.MULTILINE)

INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o huge=always huge /huge
mount -t tmpfs -o huge=never small /small
{modules}
/t/mkfs.ext4 -q -b 4096 -O ^has_journal -E stride=512,stripe_width=512 /dev/pmem0
mount -t ext4 -o dax=always /dev/pmem0 /dax
{commands}
sleep 1
poweroff -f
"""


def fetched(name):
    """The tree of a package that tools/third_party.tsv names."""
    result = subprocess.run([ROOT / "tools/fetch", name], check=True, capture_output=True, text=True)
    return pathlib.Path(result.stdout.strip().splitlines()[-1])


def add_program(root, path):
    """Copy a program and the shared libraries that it needs."""
    shutil.copy(path, root / "t")
    libraries = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", libraries):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)


def make_initramfs(folder, vendor, programs, commands):
    """Write the initramfs; commands are (name, shell command). Returns its path."""
    root = folder / "root"
    for name in "bin t lib proc sys dev huge small dax".split():
        (root / name).mkdir(parents=True)
    shutil.copy(next(fetched("busybox").glob("**/bin/busybox")), root / "bin/busybox")
    for applet in APPLETS.split():
        (root / "bin" / applet).symlink_to("busybox")
    kernel_modules = fetched("linux-cloud")
    loads = []
    for line in MODULES:
        name, *parameters = line.format(vendor=vendor).split()
        packed = next(kernel_modules.glob(f"**/{name}.ko.xz"))
        with open(root / f"lib/{name}.ko", "wb") as module:
            subprocess.run(["xz", "-dc", packed], stdout=module, check=True)
        loads.append(" ".join([f"insmod /lib/{name}.ko", *parameters]))
    for program in (*programs, shutil.which("mkfs.ext4", path="/sbin:/usr/sbin")):
        add_program(root, program)
    init = root / "init"
    lines = (f"echo; echo BEGIN {name}; {command}; status=$?; echo; echo RESULT {name} $status"
             for name, command in commands)
    init.write_text(INIT.format(modules="\n".join(loads), commands="\n".join(lines)))
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(),
                             stdout=subprocess.PIPE, check=True).stdout
    path = folder / "initramfs.gz"
    path.write_bytes(gzip.compress(archive, 1))
    return path


def run(host, programs, commands, seconds=900):
    """Boot the host ("svm" or "vmx"), run the commands; returns {name: exit status} and the console's text."""
    with tempfile.TemporaryDirectory(prefix="kvm-host-") as place:
        folder = pathlib.Path(place)
        initramfs = make_initramfs(folder, VENDORS[host], programs, commands)
        kernel = next(fetched("linux-cloud").glob("boot/vmlinuz-*"))
        if host == "vmx":
            text = bochs.boot(fetched("bochs"), folder, kernel, initramfs, COMMAND_LINE, seconds)
        else:
            console = subprocess.run(["timeout", str(seconds), *QEMU, "-kernel", kernel, "-initrd", initramfs, "-append",
                                      COMMAND_LINE], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            text = console.stdout.decode(errors="replace").replace("\r", "")
    return {name: int(status) for name, status in RESULT.findall(text)}, text
