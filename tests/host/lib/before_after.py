#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a series' user-space harness on the unpatched and on the patched kernel source.

  tests/host/lib/before_after.py [--source TREE] SERIES...

SERIES is a folder here that holds harness.c and sources. The sources file names what to take from the
kernel, one file a line (`path: name, name`, see extract.py), and the checks that must fail without the
series (`red: name`). Every other check must pass on both. TREE is an unpatched linux-source-6.12;
without it $LINUX_SOURCE is used, or what tools/hostkernel unpacks.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from extract import ExtractError, extract  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PATCHES = ROOT / "patches" / "linux-6.12"
FLAGS = ["-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
         "-Wall", "-Wno-unused-function", "-Wno-address-of-packed-member",
         "-Wno-pointer-sign"]


def kernel_source(option):
    """The unpatched kernel tree."""
    if option or os.environ.get("LINUX_SOURCE"):
        return pathlib.Path(option or os.environ["LINUX_SOURCE"])
    tool = [str(ROOT / "tools" / "hostkernel"), "source"]
    found = subprocess.run(tool, check=True, capture_output=True, text=True)
    return pathlib.Path(found.stdout.strip().splitlines()[-1])


def read_sources(path):
    """({kernel file: [names]}, {checks that fail without the series})."""
    files, red = {}, set()
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, names = line.split(":", 1)
        if key == "red":
            red.add(names.strip())
        else:
            files.setdefault(key, []).extend(n.strip() for n in names.split(",") if n.strip())
    return files, red


def copy_files(tree, into, files):
    """Copy the files that the harness reads or the patches change."""
    for name in files:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / name, into / name)


def run_harness(folder, tree, work, files):
    """{check: passed} of the harness built from the kernel text in tree."""
    text = "\n".join(extract((tree / name).read_text(), wanted) for name, wanted in files.items())
    (work / "extracted.h").write_text(text)
    binary = work / "harness"
    subprocess.run(["gcc", *FLAGS, f"-I{work}", f"-I{HERE}", "-o", str(binary), str(folder / "harness.c")],
                   check=True)
    result = subprocess.run([str(binary)], capture_output=True, text=True, timeout=60, check=False)
    checks = {m[2]: m[1] == "ok" for m in re.finditer(r"^(ok|not ok) \d+ - (.*)$", result.stdout, re.M)}
    if not re.search(r"^1\.\.\d+$", result.stdout, re.M):
        raise RuntimeError(f"the harness ended early:\n{result.stdout}{result.stderr}")
    return checks


def prove(name, source):
    """Yield (passed, text) for each check of one series."""
    folder, series = HERE.parent / name, sorted((PATCHES / name).glob("0*.patch"))[1:]
    files, red = read_sources(folder / "sources")
    touched = {m for p in series for m in re.findall(r"^--- a/(\S+)$", p.read_text(), re.M)}
    with tempfile.TemporaryDirectory(prefix="before-after-") as place:
        results = {}
        for state in ("before", "after"):
            work = pathlib.Path(place) / state
            copy_files(source, work / "linux", touched | set(files))
            if state == "after":
                for patch in series:
                    subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)],
                                   cwd=work / "linux", check=True, env={**os.environ, "GIT_DIR": "/nonexistent"})
            results[state] = run_harness(folder, work / "linux", work, files)
    unknown = red - set(results["after"])
    if unknown:
        raise RuntimeError(f"no such check: {', '.join(sorted(unknown))}")
    for check, after in results["after"].items():
        before = results["before"].get(check)
        wanted = check not in red
        words = {True: "passes", False: "fails", None: "is missing"}
        yield after and before == wanted, f"{check}: {words[before]} before, {words[after]} after"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source")
    parser.add_argument("series", nargs="+")
    options = parser.parse_args()
    number = failed = 0
    print("KTAP version 1")
    try:
        source = kernel_source(options.source)
        for name in options.series:
            for passed, text in prove(name, source):
                number += 1
                failed += not passed
                print(f"{'ok' if passed else 'not ok'} {number} - {name}: {text}", flush=True)
    except (OSError, RuntimeError, ExtractError, subprocess.SubprocessError) as error:
        print(f"Bail out! {error}")
        return 2
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
