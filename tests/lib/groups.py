"""The groups that are not golden cases and not about time. Each is a generator
of jobs: functions without arguments that return a Result or a list of them."""

import re
import shutil
import sys

from . import common
from .common import ROOT, Result
from .scaffold import cannot_build


# --- unit: cmocka programs, each of their cases counted -----------------------------

def unit_jobs(world):
    programs = sorted((world.build / "tests").glob("*_test"))
    if not programs:
        yield lambda: Result("unit", False, f"no test programs in {world.build}/tests\n")
    for program in programs:
        yield lambda program=program: run_unit(world, program)


def run_unit(world, program):
    home = common.fresh_folder(world, "unit-")
    env = world.environment(home) | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}
    # Here leaks are looked for; the command exits on purpose without taking anything down.
    env["ASAN_OPTIONS"] = env["ASAN_OPTIONS"].replace("detect_leaks=0", "detect_leaks=1")
    status, out, err = common.run([str(program)], env=env)
    common.remove(home)
    return tap_results(program.name, status, out.decode(errors="replace"),
                       err.decode(errors="replace"))


def tap_results(name, status, out, err):
    """One Result a case; what a program did not get to is a failure too."""
    plan, results = None, []
    for line in out.splitlines():
        if m := re.match(r"1\.\.(\d+)", line):
            plan = int(m[1])
        elif m := re.search(  # a guest that was ended may have left half a line before it
                r"(not )?ok (\d+) - (.*?)(?: # SKIP ?(.*))?$", line):
            skip = (m[4] or "asked to be skipped") if "# SKIP" in line else ""
            results.append(Result(f"{name}/{m[3]}", not m[1], skip=skip))
        elif line.startswith("#") and results and not results[-1].ok:
            results[-1].detail += line.lstrip("# ") + "\n"
    if plan is None or len(results) < plan or (status and all(r.ok for r in results)):
        results.append(Result(name, False, f"ended with {common.shown(status)} after "
                                           f"{len(results)} of {plan} cases\n{out[-2000:]}{err[-4000:]}"))
    elif err:
        for result in results:
            if not result.ok:
                result.detail += err[-4000:]
                break
    return results


# --- conformance: programs that count for themselves -------------------------------------

def conformance_jobs(world):
    folder = world.components / "conformance"
    yield lambda: run_conformance(world, "conformance", folder)
    yield lambda: run_conformance(world, "conformance_generated", folder / "echo")
    if world.asan:
        yield lambda: run_keeps_view(world, folder)


def sanitized(world, home):
    """As in run_unit: here leaks are looked for."""
    env = world.environment(home)
    return env | {"ASAN_OPTIONS": env["ASAN_OPTIONS"].replace("detect_leaks=0", "detect_leaks=1")}


def run_conformance(world, program, folder):
    """One Result a check; a line `FAILED what: why` is one that failed."""
    home = common.fresh_folder(world, "conformance-")
    status, out, err = common.run([str(world.build / "tests" / program), str(folder)],
                                  env=sanitized(world, home), timeout=600)
    common.remove(home)
    out, err = out.decode(errors="replace"), err.decode(errors="replace")
    failed = [Result(f"{program}/{m[1]}", False, f"{m[2]}\n")
              for m in re.finditer(r"^FAILED (.*?): (.*)$", out, re.M)]
    count = re.search(r"^(\d+) passed, (\d+) failed\n\Z", out, re.M)
    passed = [Result(program)] * (int(count[1]) if count else 0)
    if not count or (status != 0) != bool(failed) or int(count[2]) != len(failed):
        failed.append(Result(program, False, f"ended with {common.shown(status)}\n"
                                             f"{out[-2000:]}{err[-4000:]}"))
    return passed + failed


def run_keeps_view(world, folder):
    """A view that is used after its call must be caught."""
    home = common.fresh_folder(world, "conformance-")
    status, out, _ = common.run([str(world.build / "tests/keeps_view"), str(folder / "caller.wasm")],
                                env=world.environment(home), merged=True)
    common.remove(home)
    out = out.decode(errors="replace")
    caught = status == 99 and "heap-use-after-free" in out
    return Result("conformance/keeps_view", caught, f"ended with {common.shown(status)}\n{out[-4000:]}")


# --- headers: each compiles alone -----------------------------------------------------

HEADER_MODES = [
    ("c17", ["cc", "-x", "c", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]),
    ("c++17", ["c++", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]),
]


def header_jobs(world):
    for header in sorted((ROOT / "include/loop").rglob("*.h")):
        for mode, command in HEADER_MODES:
            yield lambda header=header, mode=mode, command=command: compile_header(
                header, mode, command)


def compile_header(header, mode, command):
    title = header.relative_to(ROOT / "include/loop").as_posix()
    source = f'#include "loop/{title}"\n#include "loop/{title}"\n'
    status, out, _ = common.run([*command, "-I", "include", "-fsyntax-only", "-"],
                                stdin=source.encode(), merged=True)
    return Result(f"headers/{title} {mode}", status == 0, out.decode(errors="replace"))


# --- symbols: what libloop exports ----------------------------------------------------

def symbol_jobs(world):
    yield lambda: exported(world)


def exported(world):
    library = world.build / "libloop.so"
    status, out, _ = common.run(["nm", "-D", "--defined-only", str(library)], merged=True)
    out = out.decode(errors="replace")
    if status:
        return Result("symbols", False, out)
    symbols = [line.split()[-1] for line in out.splitlines() if line.strip() and line.split()[-2] != "A"]
    names = {symbol.split("@")[0] for symbol in symbols}
    bare = sorted(symbol for symbol in symbols if symbol.startswith("loop_") and "@@LOOP_0." not in symbol)
    foreign = sorted(name for name in names if not name.startswith("loop_"))
    if world.asan:  # the sanitizers export theirs
        foreign = [n for n in foreign if not re.match(r"_*(asan|ubsan|odr_asan|sanitizer)", n)]
    declared = set()
    for header in (ROOT / "include/loop").rglob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"^#define(?:.*\\\n)*.*$", "", text, flags=re.M)  # what a macro declares is the user's
        declared |= set(re.findall(r"LOOP_API[^;({#]*?\b(loop_\w+)[(;]", text))
    missing, extra = sorted(declared - names), sorted(names - declared - set(foreign))
    problems = [("exported and not loop's", foreign), ("in a header and not exported", missing),
                ("exported and in no header", extra), ("exported without a version", bare)]
    return [Result(f"symbols/{what}", not found, "".join(f"{name}\n" for name in found))
            for what, found in problems]


# --- tools with a verdict of their own ------------------------------------------------

def tool(world, name, command):
    def job():
        status, out, _ = common.run(command, env=common.tools_environment(), merged=True)
        return Result(name, status == 0, out.decode(errors="replace")[-6000:])
    return job


def wit_jobs(world):
    yield tool(world, "wit/check_wit", [sys.executable, "tools/check_wit.py"])
    yield tool(world, "wit/test_check_wit", [sys.executable, "tools/test_check_wit.py"])


def layer_jobs(world):
    yield tool(world, "layers/check_layers", [sys.executable, "tools/check_layers.py"])
    yield tool(world, "layers/test_check_layers", [sys.executable, "tools/test_check_layers.py"])
    yield tool(world, "layers/test_runner", [sys.executable, "tests/lib/runner_test.py"])


def fuzz_jobs(world):
    programs = sorted((world.build / "tests").glob("*_replay"))
    if not programs:
        yield lambda: Result("fuzz", False, f"no replay programs in {world.build}/tests\n")
    for program in programs:
        yield lambda program=program: replay(world, program, "seeds", [])
        corpus = sorted((ROOT / "tests/fuzz/corpus" / program.name.removesuffix("_replay")).glob("*"))
        if corpus:
            yield lambda program=program, corpus=corpus: replay(world, program, "corpus", corpus)
    if not (ROOT / "tests/fuzz/corpus/fuzz_convert").is_dir():
        yield lambda: Result("fuzz", False, "tests/fuzz/corpus/fuzz_convert is gone\n")


def replay(world, program, what, files):
    home = common.fresh_folder(world, "fuzz-")
    status, out, _ = common.run([str(program), *map(str, files)], env=world.environment(home), cwd=home,
                                merged=True)
    common.remove(home)
    return Result(f"fuzz/{program.name} {what}", status == 0,
                  f"ended with {common.shown(status)}\n{out.decode(errors='replace')[-6000:]}")


# --- docs: the commands that a reader is told to type -----------------------------------

DOCS = ("README.md", "knowledge/tutorial.md", "knowledge/storage.md", "knowledge/building.md",
        "knowledge/components.md", "knowledge/trust.md", "knowledge/grants.md", "knowledge/signatures.md",
        "knowledge/installing.md", "knowledge/packages.md", "knowledge/registries.md", "HACKING.md")
COPIED = ("Makefile", "api", "meson.build", "providers", "templates", "tools")
FENCE = re.compile(r"^```(\w+) (run|file=\S+|output)((?: \w+=\S+)*)\n(.*?)^```$", re.S | re.M)


def doc_jobs(world):
    for name in DOCS:
        yield lambda name=name: run_doc(world, name)


def run_doc(world, name):
    """Runs a document's marked blocks in their order.

        ```sh run            run by sh -eu; `status=77`: ends with that; `in=DIR`: there; `needs=rust`: not
                             run where components of that language cannot be built
        ```text output       what the block before printed, exactly but for times of day,
                             durations and hexadecimal offsets
        ```c file=hello.c    is written to that file

    The current folder looks like this project (links to what is in it, copies of what
    a document changes; build/ has the components and the build under test), so that
    relative paths work and nothing that a document makes lands in the sources. What a
    block exports holds for those after it. The configuration is not the caller's: what a
    document trusts is forgotten with it. In what is printed, the folder above the
    project is /home/ada."""
    folder = common.fresh_folder(world, "docs-")
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
        if world.asan and "\nmake install" in text:
            return Result(f"docs/{name}", skip="programs against a library with sanitizers need them, too")
        link_project(world, folder / "loop")
        results = list(run_blocks(world, name, text, folder))
        return results or [Result(f"docs/{name}", skip="no block is marked with 'run'")]
    finally:
        common.remove(folder)


def link_project(world, folder):
    (folder / "build").mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry.name in COPIED and entry.is_dir():
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif entry.name in COPIED:
            shutil.copy(entry, folder / entry.name)
        elif entry.name != ".git" and not entry.name.startswith("build"):
            (folder / entry.name).symlink_to(entry)
    for source in (world.components, world.build):
        for entry in source.iterdir():
            link = folder / "build" / entry.name
            if link.is_symlink() and entry.name in ("examples", "guests"):
                continue  # the components' own
            link.unlink(missing_ok=True)
            link.symlink_to(entry)


def run_blocks(world, name, text, folder):
    """One Result a block; the first that fails is the last, as what follows depends on it."""
    env = world.user_environment() | {"XDG_CONFIG_HOME": f"{folder}/.config"}
    here, last = folder / "loop", ""
    for block in FENCE.finditer(text):
        kind, extra, body = block[2], dict(re.findall(r"(\w+)=(\S+)", block[3])), block[4]
        label = f"docs/{name}:{text.count(chr(10), 0, block.start()) + 1}"
        if kind.startswith("file="):
            result = write_block(label, here, kind[5:], body)
        elif kind == "output":
            wanted, got = plain(body, folder), plain(last, folder)
            result = Result(label, wanted == got, f"it shows:\n{common.indent(wanted)}"
                                                  f"and there was:\n{common.indent(got)}")
        elif why := cannot_build(extra.get("needs"), world):
            result = Result(label, skip=why)
        else:
            wanted = extra.get("status", "0")
            exported = folder / "exported"
            status, last, _ = common.run(["sh", "-euc", f"{body}\nenv -0 >'{exported}'"],
                                         cwd=here / extra.get("in", "."), env=env, merged=True,
                                         timeout=300)
            last = last.decode(errors="replace")
            if status == 0:
                env = dict(row.split("=", 1) for row in exported.read_text().split("\0") if "=" in row)
            result = Result(label, common.shown(status) == wanted,
                            f"ended with {common.shown(status)}, not {wanted}:\n"
                            f"{common.indent(body)}{last[-3000:]}")
        yield result
        if not result.ok:
            return


def write_block(label, here, name, body):
    path = here / name
    if path.is_symlink() or ROOT in path.resolve().parents:
        return Result(label, False, f"'{name}' is a file of the project\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8")
    return Result(label)


def plain(text, folder):
    """What a document shows and what was printed, without what differs from run to run."""
    text = text.replace(str(folder), "/home/ada").replace(str(ROOT), "/home/ada/loop")
    for pattern, instead in TIMES:
        text = pattern.sub(instead, text)
    return text.rstrip("\n") + "\n"


TIMES = [
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d{3}\b"), "12:34:56.789"),
    (re.compile(r"\b\d+\.\d+ us\b"), "1.0 us"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "0x1"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "2026-12-31"),
]
