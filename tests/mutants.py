#!/usr/bin/env python3
"""Switches off each guard in turn, and wants an attack to get through.

    tests/mutants.py --build DIR [--only NAME[,NAME]] [--engine] | --check

A guard is a row of tests/attacks/mutants.txt: a few lines of loop's sources, what stands there when
the guard is gone, and the attacks (tests/attacks) that it stops:

    guard: dir-denied
    promise: a denied directory stays denied inside of a granted one
    cases: files/denied-inside network
    file: trust/policy_decide.c
    - if (denial) {
    + if (false) {

`cases` are FAMILY or FAMILY/NAME. Lines with '-' are the text, which stands in its file exactly once;
those with '+' replace it, none takes it out. More lines after those (under a `file` of their own, or in
the same one) are a guard behind the first: both go together. `engine: yes` marks a row that takes
minutes, because the Rust crate is built again; it runs with --engine alone.

The tree is copied to build-mutants/ and built there without optimisation, the engine and the components
under test are those of DIR. First every attack is run with every guard in place, and none may get
through. Then, row by row: the text is replaced, what has changed is built, the row's attacks run until
one is red, the text is put back. A line a guard; the last is `N guards, N held, N not`.

--check only looks whether each text stands in its file exactly once, and each case is there.
"""

import argparse
import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lib import common, golden  # noqa: E402

ROOT = common.ROOT
TABLE = ROOT / "tests/attacks/mutants.txt"
PLACE = ROOT / "build-mutants"
BUILT = ("loop", "loop-guard", "loop-packages.so")  # libloop.so is part of the first
LINKED = ("guests", "examples", "conformance", "sidecars", "loop-wit")
LONGEST = 60  # seconds of one command of a case: without its guard it may never end


class Broken(Exception):
    """A row, or the tree, that is not as it must be."""


@dataclass
class Change:
    file: str
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)


@dataclass
class Guard:
    name: str
    line: int
    promise: str = ""
    cases: list = field(default_factory=list)
    engine: bool = False
    changes: list = field(default_factory=list)


# --- the table --------------------------------------------------------------------

def read_table():
    guards = []
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), 1):
        try:
            read_line(guards, number, line)
        except Broken as why:
            raise Broken(f"{common.Path(TABLE).relative_to(ROOT)}:{number}: {why}") from None
    names = [g.name for g in guards]
    for g in guards:
        if names.count(g.name) > 1 or not (g.promise and g.cases and g.changes):
            raise Broken(f"the guard '{g.name}' (line {g.line}) is there twice, or lacks a part")
    return guards


def read_line(guards, number, line):
    if not line or line.startswith("#"):
        return
    key, colon, value = line.partition(":")
    if line[0] in "+-":
        read_text(guards, line)
    elif key == "guard" and colon:
        guards.append(Guard(value.strip(), number))
    elif not guards or not colon:
        raise Broken("expected 'guard: NAME'")
    elif key == "promise":
        guards[-1].promise = value.strip()
    elif key == "cases":
        guards[-1].cases += value.split()
    elif key == "engine":
        guards[-1].engine = value.strip() == "yes"
    elif key == "file":
        guards[-1].changes.append(Change(value.strip()))
    else:
        raise Broken(f"there is no '{key}'; there are guard, promise, cases, engine, file, - and +")


def read_text(guards, line):
    changes = guards[-1].changes if guards else []
    if not changes:
        raise Broken("a text without its file")
    if line[0] == "-" and changes[-1].new:
        changes.append(Change(changes[-1].file))
    (changes[-1].old if line[0] == "-" else changes[-1].new).append(line[2:])


def replaced(guard, root):
    """What the files of a guard hold without it, by their names."""
    texts = {}
    for change in guard.changes:
        path = root / change.file
        if change.file not in texts:
            try:
                texts[change.file] = path.read_text(encoding="utf-8")
            except OSError as why:
                raise Broken(f"{guard.name}: {change.file}: {why.strerror}") from None
        old, new = "\n".join(change.old), "\n".join(change.new)
        count = texts[change.file].count(old) if old else 0
        if count != 1:
            raise Broken(f"{guard.name}: {change.file} has this text {count} times, not once: {old}")
        texts[change.file] = texts[change.file].replace(old, new)
    return texts


def attacks():
    found = dict(golden.cases(ROOT / "tests/attacks"))
    for name, case in found.items():
        if isinstance(case, golden.CaseError):
            raise Broken(f"{name}: {case}")
    return found


def cases_of(guard, known):
    chosen = []
    for wish in guard.cases:
        fit = [n for n in known if n == wish or n.startswith(wish + "/")]
        if not fit:
            raise Broken(f"{guard.name}: there is no attack '{wish}'")
        chosen += [n for n in fit if n not in chosen]
    return chosen


def check():
    """Every problem of the table, in words."""
    problems = []
    guards, known = read_table(), attacks()
    for guard in guards:
        for look in (lambda g: replaced(g, ROOT), lambda g: cases_of(g, known)):
            try:
                look(guard)
            except Broken as why:
                problems.append(str(why))
    return problems


# --- the tree ---------------------------------------------------------------------

def sources():
    """The files of the tree, relative; of a folder without git, all that nobody built."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        return sorted({name for name in found if (ROOT / name).is_file()})
    return sorted(p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*")
                  if p.is_file() and not p.relative_to(ROOT).parts[0].startswith("build"))


def copy_tree(tree):
    """Writes only what differs, so that a second run builds only what changed."""
    wanted = sources()
    for name in wanted:
        source, target = ROOT / name, tree / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    kept = set(wanted)
    for path in list(tree.rglob("*.[ch]")):
        name = path.relative_to(tree).as_posix()
        if name not in kept and not name.startswith("build/"):
            path.unlink()


def link_built(build, tree):
    """The engine as a folder of its own with links in it: a build of it puts new files there."""
    there, here = build / "engine", tree / "build/engine"
    if not (there / "stamp").exists():
        raise Broken(f"{build} is not built; `make` first")
    if not (here / "stamp").exists() or not filecmp.cmp(there / "stamp", here / "stamp", shallow=False):
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(there / "include", here / "include")
        (here / "lib").mkdir()
        (here / "lib/libloop_engine.a").symlink_to(there / "lib/libloop_engine.a")
        shutil.copy(there / "stamp", here / "stamp")
    for name in LINKED:
        link = tree / "build" / name
        if (build / name).exists() and not link.is_symlink():
            link.symlink_to(build / name)


def programs_of(cases):
    """The unit tests that cases run, as targets."""
    return sorted({f"tests/{name}" for case in cases for name in re.findall(r"\{tests\}/(\w+)", str(case.values.get("run", "")))})


def build_tree(tree, engine=False, programs=()):
    """None, or what the compiler said."""
    if engine:
        done = subprocess.run([sys.executable, "tools/build_engine.py", "build/engine"], cwd=tree, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return done.stdout
    done = subprocess.run(["ninja", "-C", "build", *BUILT, *programs], cwd=tree, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "\n".join(done.stdout.splitlines()[-15:]) if done.returncode else None


def set_up(tree):
    if (tree / "build/build.ninja").exists():
        return
    done = subprocess.run(["meson", "setup", "build", "-Doptimization=0", "-Ddebug=false", "-Dwerror=false"],
                          cwd=tree, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Broken(done.stdout)


# --- running ----------------------------------------------------------------------

def run_case(world, case):
    """Red is what is red twice: a machine that is busy makes nothing pass for a guard, nor for an attack."""
    result = golden.run_case(world, case, "")
    return result if result.ok else golden.run_case(world, case, "")


def run_all(world, cases):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: golden.run_case(world, case, ""), cases))
    return [r if r.ok else golden.run_case(world, c, "") for r, c in zip(results, cases)]


def red_case(world, cases):
    """The first that is red, None where each is green, and how many were left out."""
    skipped = 0
    for case in cases:
        result = run_case(world, case)
        if not result.ok:
            return case.name, skipped
        skipped += bool(result.skip)
    return None, skipped


def try_guard(world, tree, guard, cases):
    """Whether an attack gets through without it, and a line about that."""
    texts = replaced(guard, tree)
    whole = {name: (tree / name).read_text(encoding="utf-8") for name in texts}
    try:
        for name, text in texts.items():
            (tree / name).write_text(text, encoding="utf-8")
        wrong = build_tree(tree, guard.engine, programs_of(cases))
        if wrong:
            return False, f"does not build without it:\n{common.indent(wrong)}"
        red, skipped = red_case(world, cases)
        if red:
            return True, red
        some = f", {skipped} of them left out" if skipped else ""
        return False, f"{guard.promise}: nothing turns red ({len(cases)} attacks{some})"
    finally:
        for name, text in whole.items():
            (tree / name).write_text(text, encoding="utf-8")


def run(args):
    guards, known = read_table(), attacks()
    wanted = [name for name in args.only.split(",") if name]
    for name in wanted:
        if name not in [g.name for g in guards]:
            raise Broken(f"there is no guard '{name}' in {TABLE.relative_to(ROOT)}")
    guards = [g for g in guards if g.name in wanted or not wanted]
    left = [g for g in guards if g.engine and not args.engine]
    guards = [g for g in guards if g not in left]
    chosen = {g.name: cases_of(g, known) for g in guards}
    tree = PLACE / "tree"
    copy_tree(tree)
    link_built(args.build, tree)
    set_up(tree)
    names = {n for some in chosen.values() for n in some} if wanted else set(known)
    wrong = build_tree(tree, args.engine, programs_of([known[n] for n in names]))
    if wrong:
        raise Broken(f"{tree} does not build:\n{wrong}")
    with tempfile.TemporaryDirectory(prefix="loop-mutants-") as scratch:
        world = common.World(tree / "build", args.build, servers=common.Servers(), scratch=Path(scratch))
        try:
            run_whole(world, known, names)
            held = sum([told(g, *try_guard(world, tree, g, [known[n] for n in chosen[g.name]]))
                        for g in guards])
        finally:
            world.servers.stop()
    if left:
        print(f"{len(left)} of the engine left out; ENGINE=1 has them built")
    print(f"{len(guards)} guards, {held} held, {len(guards) - held} not")
    return 0 if guards and held == len(guards) else 1


def run_whole(world, known, names):
    """With every guard in place no attack gets through."""
    results = run_all(world, [known[n] for n in sorted(names)])
    red = [r for r in results if not r.ok]
    for r in red:
        print(f"FAILED {r.name}\n{common.indent(r.detail)}")
    if red:
        raise Broken(f"{len(red)} attacks are red with every guard in place")
    print(f"{len(results)} attacks, none gets through", flush=True)


def told(guard, held, text):
    print(f"{'held' if held else 'NOT '} {guard.name}: {text}", flush=True)
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--only", default="", metavar="NAME[,NAME]")
    parser.add_argument("--engine", action="store_true", help="those of engine/src, too")
    parser.add_argument("--check", action="store_true", help="look at the table alone")
    args = parser.parse_args()
    args.build = args.build.resolve()
    common.LONGEST = LONGEST
    os.environ.pop("MAKEFLAGS", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if not args.check:
            return run(args)
        problems = check()
        print("\n".join(problems), end="\n" if problems else "")
        return 1 if problems else 0
    except Broken as why:
        print(f"error: {why}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
