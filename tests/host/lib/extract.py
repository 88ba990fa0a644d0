# SPDX-License-Identifier: BSD-2-Clause
"""Take single functions, structures and macros out of a kernel source file, so that a user-space
harness runs the kernel's own text and never a copy of it.
"""

import re


class ExtractError(Exception):
    """A name that the harness asks for is not in the source file."""


def _block(text, start):
    """The text from start to the line that closes the outermost brace."""
    end = re.compile(r"^\}.*$", re.M).search(text, start)
    if not end:
        raise ExtractError(f"no closing brace after {text[start:start + 60]!r}")
    return text[start:end.end()] + "\n"


def _function(text, name):
    """A function definition that starts in the first column, with a return type on a line of its own."""
    pattern = re.compile(rf"^(?:[A-Za-z_][\w \t*]*[ \t*\n])?{re.escape(name)}\([^;{{]*\)\s*\n\{{", re.M)
    found = pattern.search(text)
    if not found:
        return None
    start = found.start()
    before = text.rfind("\n", 0, max(start - 1, 0)) + 1
    previous = text[before:start].strip()
    if re.fullmatch(r"(static|inline|const|struct|void|[\w\s*])+", previous or "#"):
        start = before
    return _block(text, start)


def extract(text, names):
    """The definitions of names in text, in the order asked for: `struct x`, `enum x`, `#X` (a macro
    and all that begin with X when it ends in *), or a function's name. `?` before a name: it may be
    absent, because the series adds it."""
    parts = []
    for name in names:
        optional, name = name.startswith("?"), name.lstrip("?")
        if name.startswith("#"):
            wanted = re.escape(name[1:]).replace(r"\*", r"\w*")
            lines = re.findall(rf"^#define[ \t]+{wanted}\b(?:.*\\\n)*.*$", text, re.M)
            part = "\n".join(lines) + "\n" if lines else None
        elif name.startswith(("struct ", "enum ")):
            found = re.search(rf"^{re.escape(name)}\s*\{{", text, re.M)
            part = _block(text, found.start()) if found else None
        else:
            part = _function(text, name)
        if part is None and not optional:
            raise ExtractError(f"{name}: not found")
        parts.append(part or "")
    return "\n".join(parts)
