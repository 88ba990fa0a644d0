# SPDX-License-Identifier: BSD-2-Clause
"""Tests that run inside the x86_64 host that tests/host/nested sets up, never outside of it."""

import pathlib

import pytest


def pytest_collection_modifyitems(items):
    """On any other machine there is nothing to test."""
    if not pathlib.Path("/dax").is_mount():
        for item in items:
            item.add_marker(pytest.mark.skip(reason="only inside the host of make test-host"))
