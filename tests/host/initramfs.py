# SPDX-License-Identifier: BSD-2-Clause
"""An initial root file system for a Linux host: busybox, modules, and this machine's own programs with their libraries."""

import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = shutil.ignore_patterns("__pycache__", "*.a", "test", "tests", "idlelib", "lib2to3", "ensurepip", "config-3*")


def fetched(name):
    """The tree of a package that tools/third_party.tsv names."""
    result = subprocess.run([ROOT / "tools/fetch", name], check=True, capture_output=True, text=True)
    return pathlib.Path(result.stdout.strip().splitlines()[-1])


def archive(root):
    """Write what a folder holds as the file "initramfs" beside it; returns its path."""
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    path = root.with_name("initramfs")
    with open(path, "wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=file, check=True)
    return path


class Initramfs:
    """A folder that becomes the archive."""

    def __init__(self, root, kernel):
        self.root, self.kernel = root, kernel
        for name in "bin lib proc sys dev".split():
            (root / name).mkdir(parents=True)
        shutil.copy(next(fetched("busybox").glob("**/bin/busybox")), root / "bin/busybox")

    def folders(self, *names):
        """Empty folders."""
        for name in names:
            (self.root / str(name).lstrip("/")).mkdir(parents=True, exist_ok=True)

    def applets(self, names):
        """Programs that busybox is."""
        for name in names.split():
            (self.root / "bin" / name).symlink_to("busybox")

    def load(self, modules):
        """Add kernel modules; returns the commands that load them, in the order given. NAME may have parameters."""
        commands = []
        for line in modules:
            name, *parameters = line.split()
            packed = next(self.kernel.glob(f"lib/modules/*/kernel/**/{name}.ko.xz"), None)
            if packed:
                with open(self.root / f"lib/{name}.ko", "wb") as module:
                    subprocess.run(["xz", "-dc", packed], stdout=module, check=True)
            commands.append(" ".join([f"insmod /lib/{name}.ko", *parameters]))
        return commands

    def file(self, path, folder=None):
        """Copy a file, to where it is on this machine if no folder is named."""
        target = self.root / (folder or str(pathlib.Path(path).parent)).lstrip("/") / pathlib.Path(path).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    def program(self, path, folder=None):
        """Copy a program and the shared libraries that it needs."""
        self.file(path, folder)
        libraries = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", libraries):
            self.file(library)

    def tree(self, path):
        """Copy a folder to where it is on this machine, with the libraries that its shared objects need."""
        target = self.root / str(path).lstrip("/")
        shutil.copytree(path, target, ignore=SKIPPED, dirs_exist_ok=True)
        for shared in pathlib.Path(path).rglob("*.so"):
            if "test" not in shared.name:
                self.program(shared)

    def pack(self, init):
        """Write the archive with this script as the first program; returns its path, beside the folder."""
        (self.root / "init").write_text(init)
        (self.root / "init").chmod(0o755)
        return archive(self.root)
