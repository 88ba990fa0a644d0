# SPDX-License-Identifier: BSD-2-Clause
"""The Linux reference guest: Debian's cloud kernel and an initial ramdisk of one program."""

import lzma
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ["drivers/virtio/virtio_balloon.ko"]  # the rest of virtio is built in


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One file of a "newc" archive."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    body = header + path
    body += b"\0" * (-len(body) % 4)
    return body + data + b"\0" * (-len(data) % 4)


def build_initrd(kernel_tree, folder):
    """Compile the guest's program and pack it with its modules."""
    program = folder / "init"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-o", program, HERE / "linux_init.c"],
                   check=True)
    modules = next(kernel_tree.glob("**/lib/modules/*/kernel"))
    archive = cpio_entry("dev", 0o040755) + cpio_entry("dev/console", 0o020600, device=(5, 1))
    archive += cpio_entry("init", 0o100755, program.read_bytes()) + cpio_entry("modules", 0o040755)
    order = []
    for module in MODULES:
        name = "modules/" + pathlib.Path(module).name
        packed = modules / (module + ".xz")
        data = lzma.decompress(packed.read_bytes()) if packed.exists() else (modules / module).read_bytes()
        archive += cpio_entry(name, 0o100644, data)
        order.append("/" + name)
    archive += cpio_entry("modules/order", 0o100644, ("\n".join(order) + "\n").encode())
    archive += cpio_entry("TRAILER!!!", 0)
    initrd = folder / "initrd"
    initrd.write_bytes(archive)
    return initrd


def prepare(folder):
    """Paths of kernel and initial ramdisk, made below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = subprocess.run([ROOT / "tools/fetch", "linux"], check=True, stdout=subprocess.PIPE, text=True)
    tree = pathlib.Path(tree.stdout.strip())
    return next(tree.glob("boot/vmlinuz-*")), build_initrd(tree, folder)
