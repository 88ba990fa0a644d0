# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share."""

import re
import subprocess

import pytest
from harness.machine import skip_reason
from harness.net import Network, NoNetwork, needs
from harness.qemu import ROOT, Guest
from harness.tool import Tool


def pytest_collection_modifyitems(items):
    """Tests of what this machine does not have are skipped, with the reason."""
    for item in items:
        reason = skip_reason(item.nodeid)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def boot(request):
    """Start guests; all are ended with the test. Waits for the prompt unless ready=False."""
    guests = []

    def starter(*args, ready=True, **options):
        name = re.sub(r"[^A-Za-z0-9.]+", "-", request.node.name)
        guests.append(Guest(*args, name=name, **options))
        return guests[-1].ready() if ready else guests[-1]

    yield starter
    for guest in guests:
        guest.close()


@pytest.fixture
def run_tool():
    """Run a program of the tree; returns what it printed."""
    def runner(*command):
        return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True).stdout
    return runner


@pytest.fixture
def network():
    """A network of the test's own; without the right to have one, or without the tools, a skip."""
    missing = needs("ip", "unshare", "nsenter")
    if missing:
        pytest.skip(f"no {missing} here")
    try:
        made = Network()
    except NoNetwork as error:
        pytest.skip(str(error))
    with made:
        yield made


@pytest.fixture(scope="session")
def tool_is_built():
    """build/host/neap is there."""
    subprocess.run(["make", "-s", "host"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def neap(tool_is_built):
    """The host tool, with no guest yet."""
    tool = Tool()
    yield tool
    tool.close()
