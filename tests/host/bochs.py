# SPDX-License-Identifier: BSD-2-Clause
"""Boot a Linux KVM host in Bochs, the only emulator in Debian whose CPUs have VMX."""

import gzip
import pathlib
import re
import shutil
import subprocess

# A CPU with VMX, EPT and without UMIP. Bochs runs as fast as it can; the clock of the guest follows its instructions.
CONFIG = """cpu: model=corei7_haswell_4770, count=1, ips=50000000
memory: guest=1024, host=1024
romimage: file={share}/BIOS-bochs-latest
vgaromimage: file={share}/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
display_library: rfb, options="timeout=0"
clock: sync=none
log: {log}
panic: action=fatal
"""
GRUB = """set timeout=0
menuentry host {{
linux /boot/vmlinuz {command_line}
initrd /boot/initramfs
}}
"""
GRUB_MODULES = "linux normal iso9660 gzio part_msdos"


def make_iso(folder, kernel, initramfs, command_line):
    """A CD that starts the kernel: Bochs has no other way. Returns its path."""
    boot = folder / "iso/boot"
    (boot / "grub").mkdir(parents=True)
    shutil.copy(kernel, boot / "vmlinuz")
    (boot / "initramfs").write_bytes(gzip.compress(initramfs.read_bytes(), 1))  # the BIOS reads slowly
    (boot / "grub/grub.cfg").write_text(GRUB.format(command_line=command_line))
    subprocess.run(["grub-mkrescue", f"--install-modules={GRUB_MODULES}", "--locales=", "--fonts=", "--themes=", "-o",
                    folder / "host.iso", folder / "iso"], check=True, capture_output=True)
    return folder / "host.iso"


def boot(tree, folder, kernel, initramfs, command_line, seconds):
    """Run until the guest powers off, with Bochs from an unpacked tree; returns the text of the serial line."""
    libraries = tree / "usr/lib/x86_64-linux-gnu"
    serial, config, commands = folder / "serial.txt", folder / "bochsrc", folder / "commands"
    iso = make_iso(folder, kernel, initramfs, command_line)
    config.write_text(CONFIG.format(share=tree / "usr/share/bochs", iso=iso, serial=serial, log=folder / "bochs.log"))
    commands.write_text("c\n")  # Debian's has its debugger on: continue
    plugins = libraries / "bochs/plugins"
    subprocess.run(["timeout", str(seconds), libraries / "ld-linux-x86-64.so.2", "--library-path", f"{libraries}:{plugins}",
                    tree / "usr/bin/bochs-bin", "-q", "-f", config, "-rc", commands], cwd=folder,
                   env={"LTDL_LIBRARY_PATH": str(plugins), "BXSHARE": str(tree / "usr/share/bochs"), "HOME": str(folder)},
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    text = pathlib.Path(serial).read_text(errors="replace") if serial.exists() else ""
    return re.sub(r"\r", "", text)
