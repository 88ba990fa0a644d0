# SPDX-License-Identifier: BSD-2-Clause
"""The checks of tools/lint find an error that is put before them."""

import subprocess

import pytest

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"


def seeded(folder, **files):
    """A small tree with files of this content."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def long_function(lines):
    """A C function of so many lines."""
    return SPDX + "static void longest(int a,\n                    int b)\n{\n" + "    a++;\n" * (lines - 4) + "}\n"


@pytest.mark.parametrize("comment", ["/* See missing(). */", "// missing() is gone", "/*\n * As\n * missing() says. */"],
                         ids=["one-line", "slashes", "block"])
def test_stale_name_in_comment(root, run, tmp_path, comment):
    """A comment that names a function that is not there."""
    seeded(tmp_path, a__c=SPDX + "/* here() is right */\nint here(void);\n" + comment + "\n")
    status, output = run(root / "tools/lint/comment-names", tmp_path)
    assert status == 1 and "a.c:" in output and "missing()" in output and "here()" not in output


def test_names_that_exist(root, run, tmp_path):
    """Functions, macros, members, labels and the C library's own."""
    seeded(tmp_path, a__c=SPDX + "/* f() M() op() start() malloc() */\nint f(int (*op)(void));\n#define M 1\n",
           b__asm="start:\n ret\n", c__c='const char *s = "/* not_a_comment() */";\n')
    assert run(root / "tools/lint/comment-names", tmp_path) == (0, "")


def test_name_that_only_other_comments_mention(root, run, tmp_path):
    """Two stale comments do not prove each other right."""
    seeded(tmp_path, a__c="/* gone() */\n", b__h="/* gone() too */\n")
    assert run(root / "tools/lint/comment-names", tmp_path)[1].count("gone()") == 2


def test_missing_licence(root, run, tmp_path):
    """A file and a script without the line."""
    seeded(tmp_path, good__c=SPDX, bad__c="int x;\n", script="#!/bin/sh\necho\n", readme__md="text\n")
    status, output = run(root / "tools/lint/spdx", tmp_path)
    assert status == 1 and "bad.c" in output and "script" in output
    assert "good.c" not in output and "readme" not in output


def test_long_function(root, run, tmp_path):
    """60 lines pass, 61 do not, also in Python."""
    seeded(tmp_path, fits__c=long_function(60), fits__py="def f():\n" + "    pass\n" * 59)
    assert run(root / "tools/lint/size", tmp_path)[0] == 0
    seeded(tmp_path, long__c=long_function(61), long__py="def g():\n" + "    pass\n" * 60)
    status, output = run(root / "tools/lint/size", tmp_path)
    assert status == 1 and "long.c:2: longest()" in output and "long.py:1: g()" in output and "fits" not in output


def test_long_file(root, run, tmp_path):
    """351 lines are too many."""
    seeded(tmp_path, long__h="int x;\n" * 351, fits__h="int x;\n" * 350)
    status, output = run(root / "tools/lint/size", tmp_path)
    assert status == 1 and "long.h" in output and "fits" not in output


@pytest.mark.parametrize("code,safe", [("a + b", True), ("(int)((double)a * b)", False)], ids=["integer", "float"])
def test_vector_registers(root, run, tmp_path, code, safe):
    """Floating point in a kernel object; in libc/ it is allowed."""
    for name in ("kernel", "libc"):
        (tmp_path / name).mkdir()
        text = code if name == "kernel" else "(int)((double)a / b)"
        (tmp_path / name / "x.c").write_text(f"int f(int a, int b);\nint f(int a, int b) {{ return {text}; }}\n")
        subprocess.run(["gcc", "-O1", "-c", tmp_path / name / "x.c", "-o", tmp_path / name / "x.o"], check=True)
    archive = tmp_path / "lib.a"
    subprocess.run(["ar", "rc", archive, tmp_path / "libc/x.o"], check=True)
    status, output = run(root / "tools/build/check-irq-safe", tmp_path, archive)
    assert (status == 0) is safe, output
    assert safe or "f() uses %xmm" in output


def test_vector_registers_in_reached_library_member(root, run, tmp_path):
    """A kernel object calls into a member of the library that uses them; another member may."""
    sources = {"kernel.c": "int helper(int); int f(int a); int f(int a) { return helper(a); }",
               "helper.c": "int deep(int); int helper(int a); int helper(int a) { return deep(a) + 1; }",
               "deep.c": "int deep(int a); int deep(int a) { return (int)((double)a / 3); }",
               "unused.c": "double unused(double a); double unused(double a) { return a * 2; }"}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
        subprocess.run(["gcc", "-O1", "-c", tmp_path / name, "-o", (tmp_path / name).with_suffix(".o")], check=True)
    archive = tmp_path / "lib.a"
    subprocess.run(["ar", "rc", archive, *(tmp_path / f"{name}.o" for name in ("helper", "deep", "unused"))], check=True)
    (tmp_path / "obj").mkdir()
    (tmp_path / "kernel.o").rename(tmp_path / "obj/kernel.o")
    status, output = run(root / "tools/build/check-irq-safe", tmp_path / "obj", archive)
    assert status == 1 and "deep.o" in output and "unused" not in output


@pytest.mark.parametrize("condition", ["#ifdef __s390x__", "#if defined(A) && \\\n    defined(__x86_64__)", "# elif __riscv",
                                       "#ifndef __aarch64__"],
                         ids=["ifdef", "two-lines", "elif", "ifndef"])
def test_condition_on_an_architecture(root, run, tmp_path, condition):
    """A question that only arch/ may ask; the byte order may be asked for anywhere."""
    fine = SPDX + "#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n#endif\n/* #ifdef is no __s390x__ */\n"
    (tmp_path / "arch").mkdir()
    seeded(tmp_path / "arch", a__c=condition + "\n#endif\n")
    assert run(root / "tools/lint/arch", seeded(tmp_path, fine__c=fine)) == (0, "")
    status, output = run(root / "tools/lint/arch", seeded(tmp_path, bad__h=SPDX + condition + "\n#endif\n"))
    assert status == 1 and "bad.h:" in output and "fine.c" not in output
