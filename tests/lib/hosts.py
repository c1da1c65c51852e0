"""Hosts as programs, built outside of the tree against an installation, held against the conformance guests.

A host is whatever answers

    HOST COMPONENT.wasm                               runs a command
    HOST --invoke 'IFACE.FUNCTION(ARGS)' COMPONENT.wasm   prints the result in WAVE

in a workspace whose loop.yaml binds loop:conformance/* to a shared library, and reports errors as
loop_error_format and loop_error_code have them. `loop run` is one, examples/tinyloop another;
conform() is for any.
"""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from . import common
from .common import ROOT, Result
from .install import alone, cases, environment, hidden, install, ran
from .sdk import guest_linkers

CONFORMANCE = ROOT / "tests/conformance"
CALLERS = ("caller", "caller-utf16", "caller-compact-utf16")
BLAMED = (72, 69, 64)  # a trap, unavailable, usage: the component's fault
WORKSPACE = """loop: 1
bind:
  loop:conformance/values: { library: conformance.so }
  loop:conformance/things: { library: conformance.so }
"""
# The same guests, with a component behind them that the host puts in the slots of both interfaces.
SLOTS = """loop: 1
components:
  callee: { path: callee.wasm }
bind:
  loop:conformance/values: { component: callee }
  loop:conformance/things: { component: callee }
"""


def jobs(world):
    yield lambda: tinyloop(world)
    yield lambda: loop_itself(world)


# --- one host against the guests ------------------------------------------------------------

class Host:
    """A command, the folder with the guests and the library, and how a call of it ended."""

    def __init__(self, name, command, folder, env):
        self.name, self.command, self.folder, self.env = name, [str(c) for c in command], folder, env

    def invoke(self, guest, call):
        status, out, err = common.run([*self.command, "--invoke", call, f"{guest}.wasm"],
                                      cwd=self.folder, env=self.env)
        return status, out.decode(errors="replace").removesuffix("\n"), err.decode(errors="replace")

    def result(self, what, good, status, out, err):
        return Result(f"hosts/{self.name} {what}", good,
                      f"ended with {common.shown(status)}, printed\n{out[-1000:]}{err[-2000:]}\n")


def conform(host):
    """One Result a check: the callers' own against the library and against callee.wasm in slots (handles of
    components then go through the host both ways); each line of calls.txt; of hostile.txt what is one call."""
    checks = [lambda g=guest, n=name: check(host, g, n) for guest in CALLERS for name in names(host, guest)]
    slots = Host(f"{host.name}, a component in its slots", host.command, host.folder.parent / "slots", host.env)
    checks += [lambda g=guest, n=name: check(slots, g, n) for guest in CALLERS for name in names(slots, guest)]
    checks += [lambda line=line: answer(host, line) for line in lines("calls.txt")]
    checks += [lambda g=guest, line=line: hostile(host, g, line) for guest, line in hostile_lines()]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda c: c(), checks))
    least = {"caller": 200, "values.": 200, "hostile": 150}
    for word, wanted in least.items():
        count = sum(f" {word}" in r.name for r in results)
        results.append(Result(f"hosts/{host.name} has them all: {word}", count >= wanted, f"{count} of {wanted}\n"))
    return results


def names(host, guest):
    status, out, err = host.invoke(guest, "check.names()")
    if status:
        raise AssertionError(f"{guest} has no names: {out}{err}")
    return json.loads(out) + (["exact-nan"] if guest == "caller" else [])


def check(host, guest, name):
    """The guest calls values and things of the host and compares; objects of the host are gone after it."""
    status, out, err = host.invoke(guest, f"check.run({json.dumps(name)})")
    return host.result(f"{guest} {name}", (status, out, err) == (0, "ok", ""), status, out, err)


def answer(host, line):
    """The host calls the guest; what comes is the same text."""
    call, arrow, wanted = line.rpartition(" -> ")
    if not arrow:
        call, wanted = line, ""
    status, out, err = host.invoke("callee", call)
    return host.result(line[:60], (status, out, err) == (0, wanted, ""), status, out, err)


def hostile(host, guest, line):
    """A guest that breaks a rule is ended with an error of the right class, or answers as it says."""
    call, _, outcome = line.partition(" => ")
    kind, _, value = outcome.partition(" ")
    status, out, err = host.invoke(f"hostile-{guest}", call)
    if kind == "ok":
        good = status == 0 and out == value
    elif kind == "error":
        good = status in BLAMED and error_class(err) == value
    else:
        good = status in (0, *BLAMED)
    return host.result(f"hostile {guest}: {call[:60]}", good and "are left" not in err, status, out,
                       f"{err}wanted: {outcome}\n")


def lines(name):
    return [line for line in (CONFORMANCE / name).read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")]


def hostile_lines():
    """Those that are one call without handles: what --invoke can say."""
    section = ""
    for line in lines("hostile.txt"):
        if line.startswith("["):
            section = line.strip("[]")
        elif "$" not in line and ";" not in line.partition(" => ")[0] and not line.startswith("wild."):
            yield section, line


def error_class(text):
    """As class_of of classes.c, on an error that is printed: a line a cause."""
    rows = re.findall(r'^ +\{"(\w[\w-]*)", \{(.*?)\}\}', (CONFORMANCE / "classes.c").read_text("utf-8"), re.M)
    assert len(rows) >= 12, "classes.c has no table of classes"
    causes = [line.strip().removeprefix("because ").removeprefix("while ") for line in text.splitlines()
              if not re.match(r"\s*(because |while )?(at|in) ", line)]
    for name, words in rows:
        if any(word in cause for word in re.findall(r'"([^"]+)"', words) for cause in causes):
            return name
    return "none of the known ones"


# --- where hosts are built and run ------------------------------------------------------------

def prepare(world, folder):
    """An installation, the library that serves the guests, and a workspace that is trusted."""
    prefix = install(world, folder)
    env = environment(world, folder)
    guests = folder / "guests"
    shutil.copytree(world.components / "conformance", guests, ignore=shutil.ignore_patterns("echo", ".*"))
    shutil.copytree(CONFORMANCE, folder / "suite", ignore=shutil.ignore_patterns("gen"))
    alone([prefix / "bin/loop", "bindgen", "c-host", "suite/wit", "--world", "host-side", "--name", "host_side",
           "--out-dir", "suite"], cwd=folder, env=env)
    checks = ["-fsanitize=address,undefined"] if world.asan else []
    (folder / "suite/tests").mkdir()
    (folder / "suite/tests/conformance").symlink_to(folder / "suite")
    alone(["sh", "-euc", 'cc -std=gnu17 -O1 -g -Wall -Wextra -fPIC -shared -fvisibility=hidden "$@" -Isuite '
           "suite/library.c suite/host.c suite/values.c suite/host_side.c $(pkg-config --cflags loop) "
           "-o guests/conformance.so", "sh", *checks], cwd=folder, env=env)
    (guests / "loop.yaml").write_text(WORKSPACE, encoding="utf-8")
    alone([prefix / "bin/loop", "trust", "--yes"], cwd=guests, env=env)
    (folder / "slots").mkdir()
    for guest in (*CALLERS, "callee"):
        shutil.copy(guests / f"{guest}.wasm", folder / "slots")
    (folder / "slots/loop.yaml").write_text(SLOTS, encoding="utf-8")
    return prefix, env


def checked(results, host):
    try:
        return results + conform(host)
    except AssertionError as why:
        return results + [Result(f"hosts/{host.name}", False, f"{why}\n")]


def loop_itself(world):
    folder = common.fresh_folder(world, "hosts-")
    try:
        prefix, env = prepare(world, folder)
        return checked([], Host("loop", [prefix / "bin/loop", "run"], folder / "guests", env))
    finally:
        common.remove(folder)


# --- examples/tinyloop --------------------------------------------------------------------------

LIT = """kitchen: 20%, was 50%
study: 20%, was 50%
garden: 20%, was 50%
garden: not 100%, at most 80%
attic: there is no lamp
"""


def tinyloop(world):
    """Built by its own Makefile with installed files alone, in a folder of its own; then the guests."""
    folder = common.fresh_folder(world, "hosts-")
    kept = []  # the folder goes when all of it is done

    def tinyloop_is_a_page(_):
        sources = [ROOT / "examples/tinyloop" / name for name in ("main.c", "lamps.c")]
        count = sum(len(s.read_text(encoding="utf-8").splitlines()) for s in sources)
        assert count < 300, f"it has {count} lines"
        for source in sources:
            used = set(re.findall(r'#include [<"]([^>"]*/[^>"]*)[>"]', source.read_text(encoding="utf-8")))
            assert all(u.startswith("loop/") and (ROOT / "include" / u).exists() for u in used), used

    def tinyloop_is_built_with_an_installation_alone(f):
        kept.append(prepare(world, f))
        shutil.copytree(ROOT / "examples/tinyloop", f / "tinyloop", ignore=shutil.ignore_patterns("build"))
        alone(["make", "-C", "tinyloop", f"CFLAGS=-O1 -g -Wall -Wextra -Wpedantic -Werror "
               f"{'-fsanitize=address,undefined' if world.asan else ''}"], cwd=f, env=kept[0][1])

    def tinyloop_runs_a_component_on_its_own_provider(f):
        linkers = guest_linkers()
        if not linkers:
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        ran(["make", "-C", "tinyloop", "build/evening.wasm",
             f"WASM_CC=clang-19 --target=wasm32-wasi -fuse-ld={linkers[0]}"], cwd=f, env=kept[0][1])
        status, out, err = common.run(hidden(["tinyloop/build/bin/tinyloop", "--trace",
                                              "tinyloop/build/evening.wasm"]), cwd=f, env=kept[0][1])
        assert status == 0 and out.decode() == LIT, f"{status}: {out}{err}"
        calls = re.findall(rb"tinyloop: evening.wasm called tiny:house/lamps@0.1.0.(\w+) of lamps: (\w+)", err)
        assert calls == [(b"all", b"ok")] + 3 * [(b"dim", b"ok")] + 2 * [(b"dim", b"error")], err
        return None

    def tinyloop_finds_its_profile_when_it_is_installed(f):
        if not guest_linkers():
            return "the toolchain for C guests is not set up: tools/setup/apt.sh"
        ran(["make", "-C", "tinyloop", "install", f"DESTDIR={f}/there", "PREFIX=/opt/tiny"], cwd=f, env=kept[0][1])
        out = ran([*hidden([]), f / "there/opt/tiny/bin/tinyloop", f / "tinyloop/build/evening.wasm"], cwd=f,
                  env=kept[0][1])
        assert out == LIT, out
        (f / "there/opt/tiny/share/tinyloop/profiles/tiny.yaml").unlink()
        status, out, _ = common.run([f / "there/opt/tiny/bin/tinyloop", "x.wasm"], cwd=f, env=kept[0][1], merged=True)
        assert status == 78 and b"tiny" in out, f"{status}: {out}"
        return None

    def tinyloop_says_what_is_wrong(f):
        for words, wanted, text in ((["--colour"], 64, "there is no option --colour"),
                                    ([], 64, "no component is named"),
                                    (["--invoke"], 64, "a value is missing after --invoke"),
                                    (["nothing.wasm"], 66, "cannot read 'nothing.wasm'")):
            status, out, _ = common.run([str(f / "tinyloop/build/bin/tinyloop"), *words], cwd=f, env=kept[0][1],
                                        merged=True)
            assert status == wanted and text in out.decode(), f"{words}: {status}: {out}"

    steps = (tinyloop_is_a_page, tinyloop_is_built_with_an_installation_alone,
             tinyloop_runs_a_component_on_its_own_provider, tinyloop_finds_its_profile_when_it_is_installed,
             tinyloop_says_what_is_wrong)
    try:
        results = cases("hosts", folder, *steps, keep=True)
        if all(r.ok for r in results):
            host = Host("tinyloop", [folder / "tinyloop/build/bin/tinyloop"], folder / "guests", kept[0][1])
            results = checked(results, host)
        return results
    finally:
        common.remove(folder)
