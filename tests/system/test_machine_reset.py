# SPDX-License-Identifier: BSD-2-Clause
"""A reset of the machine under a running guest (DIAGNOSE 0x308, s390x): everything goes on."""

import http.client

import pytest
from harness import HANG_SECONDS
from harness.elastic import GIB, MIB, Elastic, check_elastic, settle
from harness.service import HTTP, served

RESETS = ["diag308_load_normal", "diag308_modified_clear"]


def reset(guest, test):
    """Run the self-test that resets the machine and looks at what that left."""
    output = guest.shell.run(f"test {test}")
    assert "pass:1 fail:0 skip:0" in output, output


@pytest.mark.parametrize("cpus", [1, 4])
def test_machine_reset_keeps_elastic_memory(boot, cpus):
    """Memory stays plugged and in use; the device goes on where it was."""
    guest = boot(memory="128M", cpus=cpus, elastic=[Elastic(GIB, MIB)])
    settle(guest, 512 * MIB)
    check_elastic(guest)
    guest.shell.run("load start 100M")
    for size in (384, 512):
        for test in RESETS:
            reset(guest, test)
        settle(guest, size * MIB)
    assert " 0 errors" in guest.shell.run("load stop")
    settle(guest, 0)
    # A driver that used its device at that moment has found it dead.
    check_elastic(guest, resets=None)


@pytest.mark.parametrize("test", RESETS)
def test_machine_reset_serves_on(boot, test):
    """A client connects before and after; the one in between keeps its connection."""
    guest, (port,) = served(boot, HTTP, cpus=2)

    def get(client):
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.status == 200 and answer.read()

    old = http.client.HTTPConnection("127.0.0.1", port, HANG_SECONDS)
    get(old)
    reset(guest, test)
    get(old)
    get(http.client.HTTPConnection("127.0.0.1", port, HANG_SECONDS))
