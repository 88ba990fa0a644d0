# SPDX-License-Identifier: BSD-2-Clause
"""The images: size, protection, reproducible."""

import hashlib
import os
import shutil
import subprocess

from harness.qemu import ROOT, image


def test_elf_size():
    """At most 512 KiB without symbols."""
    assert os.path.getsize(f"{image()}.stripped") <= 512 << 10


def test_iso_size():
    """At most 4 MiB."""
    assert os.path.getsize(image("iso")) <= 4 << 20


def test_no_segment_is_writable_and_executable(run_tool):
    """W^X starts in the image."""
    headers = run_tool("readelf", "-lW", image())
    loads = [line for line in headers.splitlines() if line.strip().startswith("LOAD")]
    assert loads and not any("RWE" in line.replace(" ", "") for line in loads)


def test_reproducible(tmp_path):
    """A second build of the same tree in another folder gives the same bytes."""
    tree = tmp_path / "elsewhere"
    shutil.copytree(ROOT, tree, symlinks=True,
                    ignore=lambda folder, names: {"build", ".git"} if folder == str(ROOT) else set())
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "all", "iso"], cwd=tree, env=env, check=True,
                   stdout=subprocess.DEVNULL)
    for path in (image(), image("iso")):
        again = tree / path.relative_to(ROOT)
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest(), path.name
