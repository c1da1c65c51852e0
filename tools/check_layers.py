#!/usr/bin/env python3
"""Who may use whom: checks every #include against the table in ARCHITECTURE.md.

    check_layers.py [--root DIR]

The table is the one with a column headed "may use"; a row is

    | `host` | what it is | engine, base, include/loop |

and lists everything, as nothing is inherited; "everything above" is the rows
before it. A room is a folder with what is below it; those in APART are many, a
room a folder. A room may always use itself, but never the `internal.h` of
another. A file in no room of the table may be included by nobody; tests (tests/,
*_test.c) may use any room and each other, but not the engine's own libraries.

Besides the table, SYSTEM says which room may use which headers of the system or
of other projects, and public headers declare nothing but loop_ names.

Prints one line a problem: file:line: what, and what to do. Exit status: 0 clean,
1 problems, 2 no table.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<([^>]+)>)', re.M)

# Rows that stand for a room a folder: these do not see each other.
APART = {"providers"}

# Headers of the operating system. What is in no list is the C library's own.
OS = re.compile(
    r"(sys|arpa|net|netinet|mach|mach-o|linux|asm)/.*|(unistd|fcntl|netdb|pthread|signal|dirent|poll|"
    r"termios|pwd|grp|dlfcn|spawn|sched|semaphore|syslog|utime|ftw|glob|windows|winsock2|ws2tcpip|io|"
    r"direct|process)\.h")

# What a header starts with: the rooms that may use it, and why nobody else.
SYSTEM = [
    (re.compile(r"wasmtime(\.h|/.*)|wasm\.h|wasi\.h"), ("engine",),
     "only engine/ sees Wasmtime; use engine/engine.h"),
    (re.compile(r"uv/tree\.h"), ("host", "packages", "sidecar", "providers/memory", "providers/storage"),
     "the trees of libuv are for packages, providers/memory and providers/storage"),
    (re.compile(r"sqlite3.*"), ("providers/sqlite",), "only providers/sqlite sees SQLite"),
    (re.compile(r"archive(_entry)?\.h|curl/.*|solv/.*"), ("packages/tools",),
     "only packages/tools sees libarchive, libcurl and libsolv; use packages/tools/tools.h"),
    (re.compile(r"uv\.h|uv/(?!tree\.h).*"), ("host", "sidecar", "control"), "the event loop is host/'s; use host/internal.h "
     "there, loop/host.h elsewhere"),
    (re.compile(r"libfyaml.*"), ("base",), "only base/yaml.c reads YAML; use base/yaml.h"),
    (OS, ("base/os", "sidecar/guard", "cli"), "only base/os/ calls the operating system; add what is missing to "
     "base/os/os.h"),
]


class NoTable(Exception):
    """ARCHITECTURE.md has no table that can be read."""


# --- the table ------------------------------------------------------------------------

def read_table(text):
    """{room: set of rooms} from the Markdown table with a "may use" column."""
    table, column = {}, None
    for line in text.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|"):
            if table:
                break
            column = None
        elif column is None:
            column = cells.index("may use") if "may use" in cells else -1
        elif column >= 0 and not set(line) <= set("|-: ") and len(cells) > column:
            uses = {name.strip(" `/") for name in cells[column].split(",")} - {"", "itself"}
            if "everything above" in uses:
                uses = uses - {"everything above"} | set(table)
            table[cells[0].rstrip("/")] = uses
    if not table:
        raise NoTable("ARCHITECTURE.md has no table with a column 'may use'")
    for room, uses in table.items():
        for name in uses - table.keys():
            raise NoTable(f"ARCHITECTURE.md: '{room}' may use '{name}', which has no row of its own")
    return table


def room_of(path, table):
    """The row of a file, and its room: the longest folder of its path that is in the table."""
    parts = path.split("/")[:-1]
    for n in range(len(parts), 0, -1):
        name = "/".join(parts[:n])
        if name in table:
            return name, "/".join(parts[:n + 1]) if name in APART else name
    return None, None


def is_test(path):
    return path.startswith("tests/") or path.endswith("_test.c")


# --- includes --------------------------------------------------------------------------

def resolve(root, name):
    """The file of this project that a quoted or angled include names."""
    for path in (name, "include/" + name):
        if (root / path).is_file():
            return path
    return None


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_own(path, target, table):
    """A file of this project is included; what is wrong with that, or None."""
    row, room = room_of(path, table)
    other_row, other = room_of(target, table)
    if is_test(path) and is_test(target):
        return None
    if other is None:
        return f"'{target}' is in no room of ARCHITECTURE.md's table; add its folder there"
    if room == other:
        return None
    if target.endswith("/internal.h"):
        return f"'{target}' is {other}'s own; use the header that it shows to others"
    if other_row in table[row] or is_test(path):
        return None
    allowed = ", ".join(sorted(table[row])) or "nothing"
    return f"{room}/ may not use {other}/ ('{target}'); it may use: {allowed}"


def check_system(path, name):
    if path.startswith("include/"):
        return None  # check_names has a rule of its own
    for pattern, rooms, why in SYSTEM:
        if not pattern.fullmatch(name):
            continue
        mine = any(path.startswith(room + "/") for room in rooms)
        if not mine and not (is_test(path) and pattern is OS):
            return f"<{name}>: {why}"
    return None


def check_file(root, path, table):
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        name = match[1] or match[2]
        target = resolve(root, name)
        if target:
            problem = check_own(path, target, table)
        elif match[1]:
            problem = f"\"{name}\" is not a file here: write the path from the project's root"
        else:
            problem = check_system(path, name)
        if problem:
            yield f"{path}:{line_of(text, match.start())}: {problem}"


# --- public headers ----------------------------------------------------------------------

DECLARED = [
    (re.compile(r"^#define[ \t]+(\w+)", re.M), "macro"),
    (re.compile(r"\b(?:struct|union|enum)\s+(\w+)"), "tag"),
    (re.compile(r"^typedef\s+[^;{}]*?\b(\w+)\s*;", re.M), "type"),
    (re.compile(r"^(?:typedef\b.*)?\}\s*(\w+)\s*;", re.M), "type"),
    (re.compile(r"^typedef\s[^;{}]*?\(\*(\w+)\)", re.M), "type"),
    (re.compile(r"^LOOP_API[^;(]*?\b(\w+)\s*\(", re.M), "function"),
]


def check_names(root, path):
    """Public headers: loop_ and LOOP_ only, and no header but loop/ and the C library's."""
    text = (root / path).read_text(encoding="utf-8")
    plain = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    for pattern, what in DECLARED:
        for match in pattern.finditer(plain):
            if not re.match(r"loop_|LOOP_", match[1]):
                yield (f"{path}:{line_of(plain, match.start(1))}: the {what} '{match[1]}' of a public "
                       "header does not start with loop_")
    for match in re.finditer(r"\benum\s*\w*\s*\{(.*?)\}", plain, re.S):
        for name in re.findall(r"(?:^|,)\s*(\w+)", match[1]):
            if not name.startswith("LOOP_"):
                yield (f"{path}:{line_of(plain, match.start(1))}: the constant '{name}' of a public "
                       "header does not start with LOOP_")
    for match in INCLUDE.finditer(text):
        name = match[1] or match[2]
        if not name.startswith("loop/") and (match[1] or OS.fullmatch(name)):
            yield (f"{path}:{line_of(text, match.start())}: a public header includes '{name}'; it may "
                   "include loop/ and the C library's headers only")


def check(root):
    """Every problem, as lines for a person."""
    path = root / "ARCHITECTURE.md"
    if not path.is_file():
        raise NoTable("ARCHITECTURE.md is missing; it holds the table of who may use whom")
    table = read_table(path.read_text(encoding="utf-8"))
    problems = []
    for room in sorted(table):
        for file in sorted((root / room).rglob("*.[ch]")):
            name = file.relative_to(root).as_posix()
            if room_of(name, table)[0] == room and "/target/" not in name:
                problems += check_file(root, name, table)
    for file in sorted((root / "include").rglob("*.h")):
        problems += check_names(root, file.relative_to(root).as_posix())
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    try:
        problems = check(parser.parse_args().root.resolve())
    except NoTable as error:
        print(f"layers: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems" if problems else "layers: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
