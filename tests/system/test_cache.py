# SPDX-License-Identifier: BSD-2-Clause
"""The memory cache, used by real clients over QEMU's user network."""

import subprocess

import pymemcache
import pytest
from harness import HANG_SECONDS
from harness.service import CACHE, served


@pytest.fixture
def cache(boot):
    """Start a guest with the cache; returns it and a client."""
    def starter(options="", **settings):
        guest, (port,) = served(boot, CACHE, append=f"-- {options}" if options else "", **settings)
        client = pymemcache.Client(("127.0.0.1", port), timeout=HANG_SECONDS, connect_timeout=HANG_SECONDS)
        client.port = port
        return guest, client
    return starter


def test_conformance(cache):
    """Every case that libmemcached's conformance test has, text and binary."""
    _, client = cache()
    client.set("ready", "1")
    result = subprocess.run(["memccapable", "-h", "127.0.0.1", "-p", str(client.port)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=HANG_SECONDS, check=False)
    assert result.returncode == 0 and "FAIL" not in result.stdout, result.stdout
    assert result.stdout.count("[pass]") == 54, result.stdout
