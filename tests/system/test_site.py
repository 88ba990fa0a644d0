# SPDX-License-Identifier: BSD-2-Clause
"""The web server's site on a block device: an archive of files."""

import io
import random
import subprocess
import tarfile

import pytest
from harness import HANG_SECONDS
from harness.qemu import ROOT
from harness.service import HTTP, connected, forwarding

PAGE = (ROOT / "apps/httpd/www/index.html").read_bytes()
FILES = {
    "index.html": b"<h1>tide</h1>\n",
    "style.css": b"body { color: teal }\n",
    "docs/index.html": b"documents\n",
    "docs/empty.txt": b"",
    "large.bin": random.Random(3).randbytes(5_000_001),
}


def archive(path, size=None):
    """An archive of the files on disk, or the first bytes of one."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as made:
        made.add(ROOT / "docs", "folder", recursive=False)
        for name, data in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    if size:
        path.write_bytes(path.read_bytes()[:size])
    return f"driver=file,filename={path}"


def serving(boot, drive, **options):
    """A guest with this drive; returns it and a function that gets a page: (status, type, body)."""
    args, (port,) = forwarding(HTTP)
    guest = boot(app="full", **options, args=[
        *args, "-blockdev", f"driver=raw,node-name=site,read-only=on,{drive}", "-device", "virtio-blk-pci,drive=site"])
    guest.serial.expect(r"address 10\.0\.2\.15")

    def get(path):
        with connected(port):
            pass
        text = subprocess.run(["curl", "-sS", "-w", "\n%{http_code} %{content_type}", f"http://127.0.0.1:{port}{path}"],
                              check=True, stdout=subprocess.PIPE, timeout=HANG_SECONDS).stdout
        body, _, last = text.rpartition(b"\n")
        status, kind = last.decode().split(" ", 1)
        return int(status), kind, body

    return guest, get


@pytest.mark.parametrize("cpus", [1, 2])
def test_pages(boot, tmp_path, cpus):
    """Every file by its path, byte by byte, and a folder's index by the folder's."""
    guest, get = serving(boot, "file." + archive(tmp_path / "site.tar").replace(",", ",file."), cpus=cpus)
    assert "httpd: 7 paths from /dev/blk0" in guest.serial.text
    for name, data in FILES.items():
        assert get(f"/{name}")[::2] == (200, data), name
    assert get("/") == (200, "text/html", FILES["index.html"])
    assert get("/docs/") == (200, "text/html", FILES["docs/index.html"])
    assert get("/style.css")[1] == "text/css"
    assert get("/folder")[0] == get("/none")[0] == 404
    assert "blk0 " in guest.shell.run("devices")


def test_archive_cut_short(boot, tmp_path):
    """What was whole is served, and the operator is told what was not."""
    guest, get = serving(boot, "file." + archive(tmp_path / "site.tar", 1 << 20).replace(",", ",file."))
    assert "behind 'large.bin': the archive ends before it does" in guest.serial.text
    assert get("/docs/")[0] == 200 and get("/large.bin")[0] == 404


def test_no_archive(boot, tmp_path):
    """A disk of something else: the page in the image is served."""
    (tmp_path / "disk").write_bytes(random.Random(4).randbytes(1 << 20))
    guest, get = serving(boot, f"file.driver=file,file.filename={tmp_path}/disk")
    assert "this is no archive" in guest.serial.text
    assert get("/")[::2] == (200, PAGE)


def test_sector_cannot_be_read(boot, tmp_path):
    """A disk with a bad sector in it: what lies before is served."""
    drive = ("file.driver=blkdebug,file.inject-error.0.event=read_aio,file.inject-error.0.sector=3000,"
             "file.inject-error.0.errno=5,file.image." + archive(tmp_path / "site.tar").replace(",", ",file.image."))
    guest, get = serving(boot, drive)
    guest.serial.expect(r"blk: error: blk0 .*: sector \d+ cannot be read: the device says 1|sector \d+ cannot be read")
    assert get("/style.css")[0] == 200 and get("/large.bin")[0] == 404
