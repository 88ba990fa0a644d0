# SPDX-License-Identifier: BSD-2-Clause
"""tools/lint/conformance finds each way in which the table of requirements can be wrong."""

import pytest

GOOD = ("RING-001\tfirst\tmet\tunit virtio.one, guest two\nRING-002\tsecond\tmet\tsystem net.three\n"
        "RING-003\tthird\tmet\tunit lint.four\nRING-004\tfourth\tn/a\tbecause\n")


def check(root, run, folder, table, comment="RING-001, RING-003 and -004", options=()):
    """A small tree with this table and this comment in its code: the tool's exit status and words."""
    files = {"tests/conformance.tsv": "# id\n" + table, "drivers/a.c": f"/* {comment} */\n",
             "tests/unit/virtio/test_a.c": "TEST(one)\n{\n}\nTEST_CASES(many, 3)\n{\n}\n",
             "tests/guest/a.c": "SELFTEST(two, test_two);\n", "tests/system/test_net.py": "def test_three(boot):\n    pass\n",
             "tests/tools/test_lint.py": "def test_four():\n    pass\n"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return run(root / "tools/lint/conformance", *options, folder)


def test_coverage_is_printed(root, run, tmp_path):
    """Tests of every suite are known; n/a counts as covered."""
    status, output = check(root, run, tmp_path, GOOD + "NET-001\tfifth\tmet\tunit virtio.many\n")
    assert status == 0
    assert "RING            3 met    1 n/a    0 open  100.0 %" in output
    assert "total           4 met    1 n/a    0 open  100.0 %" in output


@pytest.mark.parametrize("old,new,message", [
    ("unit virtio.one", "unit virtio.on", "RING-001: no such test: unit virtio.on;"),
    ("system net.three", "net.three", "RING-002: no such test: net.three;"),
    ("\tunit lint.four", "\t", "RING-003: no test watches it"),
    ("\tbecause", "\t ", "RING-004: no reason is given"),
    ("met\tsystem", "done\tsystem", "RING-002: status 'done' is not one of"),
    ("RING-002\tsecond", "RING-2\tsecond", "line 3: not an id"),
    ("\tbecause", "", "line 5: not an id"),
    ("RING-002\tsecond", "RING-001\tsecond", "RING-001: RING-002 should come here"),
    ("RING-002\tsecond\tmet\tsystem net.three\n", "", "RING-003: RING-002 should come here"),
    ("RING-002\tsecond", "NET-001\tsecond", "RING: its rows are apart"),
    ("met\tunit lint.four", "n/a\tbecause", "2 of 4 n/a, at most 25 %"),
    ("met\tunit lint.four", "open\tnot yet", "RING-003: open: not yet"),
], ids=["test", "suite", "no-test", "no-reason", "status", "id", "columns", "twice", "gap", "apart", "n/a", "open"])
def test_bad_tables(root, run, tmp_path, old, new, message):
    """One mistake each."""
    assert old in GOOD
    status, output = check(root, run, tmp_path, GOOD.replace(old, new))
    assert status == 1 and message in output


def test_open_rows_on_request(root, run, tmp_path):
    """While work goes on."""
    table = GOOD.replace("met\tunit lint.four", "open\tnot yet")
    status, output = check(root, run, tmp_path, table, options=["--open"])
    assert status == 0 and "1 open   75.0 %" in output


@pytest.mark.parametrize("comment,bad", [("RING-005", "RING-005"), ("RING-001 to -009", "RING-009"),
                                         ("RING-001, -007", "RING-007"), ("RING-001, STRING-999", None)],
                         ids=["id", "range", "list", "word"])
def test_ids_in_comments(root, run, tmp_path, comment, bad):
    """Those that no row has."""
    status, output = check(root, run, tmp_path, GOOD, comment)
    assert (status == 1 and f"drivers/a.c: {bad} is not in the table" in output) if bad else status == 0
