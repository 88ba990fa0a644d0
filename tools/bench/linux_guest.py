# SPDX-License-Identifier: BSD-2-Clause
"""The Linux reference guest: Debian's (cloud) kernel and an initial ramdisk of one program.

The kernel comes with its headers in one row of tools/third_party.tsv, so both are of one version,
and from a release whose build programs and compiler this machine has.
"""

import lzma
import os
import pathlib
import platform
import shutil
import subprocess

import linux_servers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ARCH = os.environ.get("ARCH") or "x86_64"
NATIVE = ARCH == platform.machine()
MODULES = ["drivers/virtio/virtio_balloon.ko"]  # loaded at the start; the rest of virtio is built in
MODULES_AT_HAND = ["drivers/virtio/virtio_mem.ko"]  # loaded when a measurement asks for it


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One file of a "newc" archive."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    body = header + path
    body += b"\0" * (-len(body) % 4)
    return body + data + b"\0" * (-len(data) % 4)


def build_module(kernel_tree, folder):
    """Compile the module that measures the page allocator; returns its path."""
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "linux_pages.c", folder)
    (folder / "Kbuild").write_text("obj-m := linux_pages.o\n")
    headers = next(kernel_tree.glob("usr/src/linux-headers-*-cloud-amd64"))
    common = next(kernel_tree.glob("usr/src/linux-headers-*-common"))
    # Without debugging information: the initial ramdisk must not grow by it. The headers' own
    # Makefile is passed over, as it expects them in /usr/src.
    command = ["make", "-C", common, f"O={headers}", f"M={folder}", "CC=gcc", "CONFIG_DEBUG_INFO=",
               "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    if result.returncode:
        raise SystemExit(f"bench: the module linux_pages cannot be built:\n{result.stdout}")
    return folder / "linux_pages.ko"


def module_of(kernel_tree, name):
    """A module of the kernel's, unpacked."""
    modules = next(path for root in ("lib", "usr/lib") for path in kernel_tree.glob(f"{root}/modules/*/kernel"))
    packed = modules / (name + ".xz")
    return lzma.decompress(packed.read_bytes()) if packed.exists() else (modules / name).read_bytes()


def build_initrd(kernel_tree, folder):
    """Compile the guest's program and pack it with its modules."""
    program = folder / "init"
    subprocess.run(["gcc" if NATIVE else f"{ARCH}-linux-gnu-gcc", "-include", HERE / f"counter_{ARCH}.h", "-O2", "-Wall", "-Wextra", "-static", "-pthread", "-o", program, HERE / "linux_init.c",
                    HERE / "linux_load.c", HERE / "linux_service.c"],
                   check=True)
    archive = cpio_entry("dev", 0o040755) + cpio_entry("dev/console", 0o020600, device=(5, 1))
    archive += cpio_entry("init", 0o100755, program.read_bytes()) + cpio_entry("modules", 0o040755)
    order = []
    for module in MODULES + (MODULES_AT_HAND if NATIVE else []):
        name = "modules/" + pathlib.Path(module).name
        archive += cpio_entry(name, 0o100644, module_of(kernel_tree, module))
        if module in MODULES:
            order.append("/" + name)
    archive += cpio_entry("modules/order", 0o100644, ("\n".join(order) + "\n").encode())
    if NATIVE:
        measure = build_module(kernel_tree, folder / "module")
        archive += cpio_entry("modules/linux_pages.ko", 0o100644, measure.read_bytes())
    archive += cpio_entry("TRAILER!!!", 0)
    initrd = folder / "initrd"
    initrd.write_bytes(archive)
    return initrd


def prepare(folder, serves=False):
    """Paths of kernel and initial ramdisk, made below `folder`; the one that serves has Debian's servers, too."""
    folder.mkdir(parents=True, exist_ok=True)
    own = "bookworm" if platform.freedesktop_os_release().get("VERSION_CODENAME") == "bookworm" else "trixie"
    row = f"linux-{own if NATIVE else ARCH}"
    tree = subprocess.run([ROOT / "tools/fetch", row], check=True, stdout=subprocess.PIPE, text=True)
    tree = pathlib.Path(tree.stdout.strip())
    initrd = build_initrd(tree, folder)
    if serves:
        servers = linux_servers.archive(folder, cpio_entry, lambda name: module_of(tree, name))
        initrd = folder / "initrd-serves"
        initrd.write_bytes((folder / "initrd").read_bytes() + servers)
    return next(tree.glob("boot/vmlinuz-*")), initrd
