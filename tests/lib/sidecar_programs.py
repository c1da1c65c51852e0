"""Sidecars as authors have them: the SDKs' own tests, the templates, and storage-node.

That an SDK keeps to the protocol is the group sidecar-conformance. STORE_KILLS is how often storage-node
is killed while it writes, SOAK_SECONDS for how long each SDK is called at random.
"""

import os
import shutil
import sys

from . import common, sidecars
from .common import ROOT, Result

sys.path.insert(0, str(ROOT / "sidecar/conformance"))
import peer  # noqa: E402

# The SDKs' unit tests: name, command, folder.
OWN_TESTS = [
    ("node", ["node", "--test", "."], "sdk/js/sidecar"),
    ("python", [sys.executable, "-m", "unittest", "discover", "-s", "tests"], "sdk/python/sidecar"),
    ("rust", ["cargo", "test", "--quiet", "--offline", "--locked", "--target-dir", "{build}/sidecars/target"],
     "sdk/rust/sidecar"),
    ("storage-node", ["node", "--test", "log_test.mjs"], "sidecars/storage-node"),
]

# What templates/sidecar-* are once they are copied: name, command in the copy, what its author has to
# read. `{build}` is where tools/build_sidecars.sh has put what is compiled.
TEMPLATES = [
    ("c", ["./weather"], "weather.c"),
    ("node", ["node", "weather.js"], "weather.js"),
    ("python", [sys.executable, "weather.py"], "weather.py"),
    ("rust", ["{build}/sidecars/rust-weather"], "src/main.rs"),
]
MOST_LINES = 80

READING = "record{celsius:f32,wind:option<f32>}"
WEATHER = {
    "now": f"(string)->result<{READING},enum{{unknown-place,no-answer}}>",
    "open-diary": "(string)->own<acme:weather/api.diary>",
    "[method]diary.note": f"(borrow<acme:weather/api.diary>,{READING})",
    "[method]diary.warmest": f"(borrow<acme:weather/api.diary>)->option<{READING}>",
}


def jobs(world):
    for name, command, folder in OWN_TESTS:
        yield lambda name=name, command=command, folder=folder: own_tests(world, name, command, folder)
    for name, _, command in sidecars.SIDECARS:
        yield lambda name=name, command=command: soak(world, name, command)
    yield lambda: [Result("sidecars/one-interface", len(texts()) == 1, "the templates' weather.wit differ\n")]
    for name, command, source in TEMPLATES:
        yield lambda name=name, command=command, source=source: template(world, name, command, source)
    yield lambda: storage_node(world)


def soak(world, name, command):
    """Calls of all kinds at once. SOAK_SECONDS is for how long."""
    title = f"sidecars/{name}-soak"
    command = [part.format(root=ROOT, build=world.build, components=world.components) for part in command]
    if skip := missing(world, title, command):
        return skip
    script = [sys.executable, str(ROOT / "sidecar/conformance/soak.py"), "--seconds", os.environ.get("SOAK_SECONDS", "4")]
    status, out, _ = common.run([*script, "--", *command], merged=True, env=world.user_environment(), timeout=900)
    return Result(title, status == 0, out.decode(errors="replace")[-4000:])


def texts():
    return {path.read_text("utf-8") for path in (ROOT / "templates").glob("sidecar-*/*.wit")}


def missing(world, name, command):
    """None, or the Result of a language that this machine does not have."""
    program = command[0].format(build=world.components)
    if not program.startswith("./") and not shutil.which(program):
        return Result(name, skip=f"{program} is not there: tools/setup/sidecars.sh --check, make sidecars")
    return None


def own_tests(world, name, command, folder):
    title = f"sidecars/{name}-own-tests"
    if skip := missing(world, title, command):
        return skip
    command = [part.format(build=world.components) for part in command]
    status, out, _ = common.run(command, cwd=ROOT / folder, merged=True, env=world.user_environment(), timeout=300)
    return Result(title, status == 0, out.decode(errors="replace")[-4000:])


def copied(world, name, home):
    """A copy of a template, whose links have become files; that in C is built by its own Makefile."""
    copy = home / "weather"
    shutil.copytree(ROOT / f"templates/sidecar-{name}", copy, ignore=shutil.ignore_patterns("target", "__pycache__"))
    if (copy / "Makefile").exists():
        status, out, _ = common.run(["make", "-s", f"LOOP={world.build}/loop", f"LOOP_CFLAGS=-I{ROOT}/include -Werror"],
                                    cwd=copy, merged=True, env=world.environment(home), timeout=120)
        if status:
            raise peer.Wrong(out.decode(errors="replace"))
    return copy


def template(world, name, command, source):
    title = f"sidecars/{name}-template"
    if skip := missing(world, title, command):
        return skip
    home = common.fresh_folder(world, "template-")
    command = [part.format(build=world.components) for part in command]
    try:
        copy = copied(world, name, home)
        lines = len((copy / source).read_text("utf-8").splitlines())
        if lines >= MOST_LINES:
            raise peer.Wrong(f"{source} has {lines} lines")
        weather(command, copy)
    except (peer.Wrong, peer.Fault) as why:
        return Result(title, False, f"{why}\n")
    finally:
        common.remove(home)
    return Result(title)


def weather(command, folder):
    """The same of every language. What is copied needs nothing of this tree."""
    with peer.Sidecar(command, cwd=folder, options={"warmer": "2"}) as it:
        it.start()
        row = it.welcome["interfaces"][0]
        same((row["name"], row["version"], row["resources"]), ("acme:weather/api", "0.1.0", ["diary"]))
        same({f["name"]: f["type"] for f in row["functions"]}, WEATHER)
        same(it.call("api.now", "Ulm"), {"ok": {"celsius": 5.0, "wind": None}})
        windy = {"celsius": 14.0, "wind": {"some": 3.5}}
        same(it.call("api.now", "Bad Schandau"), {"ok": windy})
        same(it.call("api.now", ""), {"error": "unknown-place"})
        it.ping(1)
        same([entry["message"] for _, entry in it.logs], ["looked out of the window"] * 2)
        first, second = it.call("api.open-diary", "Ulm"), it.call("api.open-diary", "B\u00f6blingen")
        same(it.call("api.[method]diary.warmest", first), None)
        for reading in ({"celsius": -3.0, "wind": None}, windy, {"celsius": 2.5, "wind": None}):
            it.call("api.[method]diary.note", first, reading)
        same(it.call("api.[method]diary.warmest", first), {"some": windy})
        same(it.call("api.[method]diary.warmest", second), None)
        it.send("DROP", 0, [0, 0, second])
        same(it.call("api.[method]diary.warmest", first), {"some": windy})
        it.fault("api.[method]diary.warmest", second)
        if "the diary of B\u00f6blingen is closed" not in it.said():
            raise peer.Wrong(f"the diary was not closed: {it.said()}")


def same(got, expected):
    if got != expected:
        raise peer.Wrong(f"{peer.short(got)}, not {peer.short(expected)}")


def storage_node(world):
    """The promises of loop:storage, kill -9 and damaged files; the script counts for itself."""
    if skip := missing(world, "sidecars/storage-node", ["node"]):
        return skip
    home = common.fresh_folder(world, "storage-")
    folder = ROOT / "sidecars/storage-node"
    status, out, err = common.run([sys.executable, folder / "promises_test.py", "--", "node", folder / "storage.js"],
                                  env=world.environment(home) | {"TMPDIR": str(home)}, cwd=home, timeout=900)
    common.remove(home)
    return sidecars.results("sidecars/storage-node", status, out.decode(errors="replace"), err.decode(errors="replace"))
