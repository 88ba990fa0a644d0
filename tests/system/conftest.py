# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share."""

import re
import subprocess

import pytest
from harness.qemu import Guest


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
