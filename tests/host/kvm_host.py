# SPDX-License-Identifier: BSD-2-Clause
"""A Linux KVM host in an emulator: Debian's cloud kernel on an AMD CPU with SVM (QEMU) or an Intel CPU with VMX
(Bochs), and an initramfs with the programs of a test.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile

import bochs
from initramfs import Initramfs, fetched

APPLETS = "sh mount insmod echo cat rm mkdir poweroff sleep"
# In the order of their dependencies. nd_e820 finds the memory that memmap=nn!ss sets aside.
MODULES = ("irqbypass", "kvm force_emulation_prefix=1", "{vendor} nested=1", "libnvdimm", "nd_btt", "nd_pmem", "nd_e820")
VENDORS = {"svm": "kvm-amd", "vmx": "kvm-intel"}
# -cpu max would do, but a named CPU does not change with QEMU; TCG has no feature that a test needs and EPYC lacks.
QEMU = ("qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "EPYC,+svm,+umip", "-m", "1024", "-nodefaults",
        "-display", "none", "-serial", "stdio", "-no-reboot")
# A busy machine must not make Linux doubt its timer, which would end it, nor the TSC.
COMMAND_LINE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable memmap=128M!640M"
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


def make_initramfs(folder, vendor, programs, commands):
    """Write the initramfs; commands are (name, shell command). Returns its path."""
    made = Initramfs(folder / "root", fetched("linux-cloud"))
    made.folders("huge", "small", "dax")
    made.applets(APPLETS)
    loads = made.load(line.format(vendor=vendor) for line in MODULES)
    for program in (*programs, shutil.which("mkfs.ext4", path="/sbin:/usr/sbin")):
        made.program(program, "t")
    lines = (f"echo; echo BEGIN {name}; {command}; status=$?; echo; echo RESULT {name} $status"
             for name, command in commands)
    return made.pack(INIT.format(modules="\n".join(loads), commands="\n".join(lines)))


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
