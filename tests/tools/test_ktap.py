# SPDX-License-Identifier: BSD-2-Clause
"""The KTAP parser trusts nothing that is incomplete."""

from harness import ktap

REPORT = """neap: a log line
KTAP version 1
1..4
ok 1 first
# expected x
not ok 2 second
0.1 log: between
ok 3 third # SKIP no UMIP
not ok 4 fourth
# exit status 1
# Totals: pass:1 fail:2 skip:1
"""


def test_complete_report():
    """Status and detail of each test."""
    results, problem = ktap.parse(REPORT.replace("\n", "\r\n"))
    assert problem is None
    assert [(result.name, result.status, result.detail) for result in results] == [
        ("first", "pass", ""), ("second", "fail", "expected x"), ("third", "skip", "no UMIP"),
        ("fourth", "fail", "exit status 1")]


def test_missing_results():
    """A guest that died half way."""
    assert ktap.parse(REPORT.split("not ok 4")[0])[1] == "4 tests planned, 3 reported"


def test_no_report():
    """A guest that never came so far."""
    assert ktap.parse("ok 1 looks like a test\n")[1] == "no KTAP header"
    assert ktap.parse("KTAP version 1\nok 1 x\n")[1] == "no plan"
