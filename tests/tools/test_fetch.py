# SPDX-License-Identifier: BSD-2-Clause
"""tools/fetch says what is wrong. A copy of it with a table of its own fetches from no real mirror."""

import hashlib
import shutil
import subprocess

import pytest

NO_MIRROR = "http://127.0.0.1:9/debian"  # the discard port: nobody answers


@pytest.fixture
def fetch(root, run, tmp_path):
    """Run a copy of tools/fetch whose table holds these rows, with an empty cache."""
    def runner(rows, *arguments, mirror=NO_MIRROR):
        shutil.copy(root / "tools/fetch", tmp_path / "fetch")
        (tmp_path / "third_party.tsv").write_text("\n".join(rows) + "\n")
        return run(tmp_path / "fetch", *arguments, XDG_CACHE_HOME=str(tmp_path / "cache"), DEBIAN_MIRROR=mirror)
    return runner


@pytest.fixture
def mirror(tmp_path):
    """A mirror on disk with one small package, unsigned: apt has to be told to trust it."""
    package = tmp_path / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN/control").write_text(
        "Package: hello-neap\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n")
    (package / "data").mkdir()
    (package / "data/greeting").write_text("hello\n")
    deb = tmp_path / "hello-neap_1.0_all.deb"
    subprocess.run(["dpkg-deb", "-b", package, deb], check=True, stdout=subprocess.DEVNULL)
    return deb, hashlib.sha256(deb.read_bytes()).hexdigest()


def put_in_cache(tmp_path, row, deb):
    """Place a file as if it had been fetched for this row."""
    key = hashlib.sha256(row.encode()).hexdigest()[:12]
    folder = tmp_path / f"cache/neap/files/{row.split()[0]}-{key}"
    folder.mkdir(parents=True)
    shutil.copy(deb, folder)
    return folder


def row_of(sha256):
    """A table row for the package."""
    return f"hello\tdeb\ttrixie\thello-neap\t1.0\t{sha256}\t-"


def test_unknown_name(fetch):
    """The message lists the names that exist."""
    status, output = fetch([row_of("0" * 64)], "nope")
    assert status == 1 and "unknown name 'nope'" in output and "hello" in output


def test_no_network_and_not_cached(fetch):
    """Name, mirror and remedy."""
    status, output = fetch([row_of("0" * 64)], "hello")
    assert status == 1 and "hello is not in the cache" in output and NO_MIRROR in output
    assert "DEBIAN_MIRROR=" in output and "Traceback" not in output


def test_cached_needs_no_network(fetch, mirror, tmp_path):
    """What is in the cache and right is unpacked at once."""
    deb, digest = mirror
    put_in_cache(tmp_path, row_of(digest), deb)
    status, output = fetch([row_of(digest)], "hello")
    assert status == 0, output
    assert (tmp_path / "cache/neap/trees").exists()
    with open(output.strip() + "/data/greeting", encoding="ascii") as greeting:
        assert greeting.read() == "hello\n"


def test_damaged_cache_is_fetched_again(fetch, mirror, tmp_path):
    """A wrong checksum in the cache is never used."""
    deb, _ = mirror
    put_in_cache(tmp_path, row_of("0" * 64), deb)
    status, output = fetch([row_of("0" * 64)], "hello")
    assert status == 1 and "damaged, fetching it again" in output
    assert not (tmp_path / "cache/neap/trees").exists()


def test_checksum_mismatch_names_both(fetch, root):
    """A pin that does not fit what the mirror has. Needs the real mirror once."""
    pinned = next(line for line in (root / "tools/third_party.tsv").read_text().splitlines()
                  if line.startswith("newlib\t")).split("\t")
    right, pinned[5] = pinned[5], "f" * 64
    status, output = fetch(["\t".join(pinned)], "newlib", mirror="")
    if "is the network up?" in output:
        pytest.skip("the Debian mirror cannot be reached")
    assert status == 1 and "checksum mismatch" in output and "f" * 64 in output and right in output


def test_bad_table(fetch):
    """File and line of a row that makes no sense."""
    status, output = fetch(["hello\tdeb\ttrixie"], "hello")
    assert status == 1 and "third_party.tsv:1:" in output


@pytest.mark.parametrize("suite, architecture", [("trixie", "amd64"), ("trixie:s390x", "s390x")])
def test_architecture_of_a_suite(fetch, tmp_path, suite, architecture):
    """Each has a tree of its own for apt, which knows no other architecture."""
    fetch([row_of("0" * 64).replace("trixie", suite)], "hello")
    (config,) = (tmp_path / "cache/neap/apt").glob("*/apt.conf")
    assert f'APT::Architecture "{architecture}";' in config.read_text() and ":" not in config.parent.name
    assert " trixie main" in (config.parent / "sources.list").read_text()
