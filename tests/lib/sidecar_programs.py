"""Sidecars as authors have them: the SDKs' own tests, the templates, and storage-node.

That an SDK keeps to the protocol is the group sidecar-conformance. STORE_KILLS is how often storage-node
is killed while it writes, SOAK_SECONDS for how long each SDK is called at random.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

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

# What `loop provider new acme:weather` makes of templates/sidecar-*: name, command in the project, what its
# author has to read. `{build}` is where tools/build_sidecars.sh has put what is compiled.
TEMPLATES = [
    ("c", ["./build/weather"], "weather.c"),
    ("node", ["node", "weather.js"], "weather.js"),
    ("python", [sys.executable, "weather.py"], "weather.py"),
    ("rust", ["{build}/sidecars/rust-weather"], "src/main.rs"),
]
MOST_LINES = 85

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
    yield lambda: one_interface(world)
    for name, command, source in TEMPLATES:
        yield lambda name=name, command=command, source=source: template(world, name, command, source)
    yield lambda: storage_node(world)
    for name, command, _ in TEMPLATES:
        yield lambda name=name, command=command: under_loop(world, name, command)
    yield lambda: promises_under_loop(world)
    yield lambda: storage_under_loop(world)
    yield lambda: storage_swapped(world)


def soak(world, name, command):
    """Calls of all kinds at once. SOAK_SECONDS is for how long."""
    title = f"sidecars/{name}-soak"
    command = [part.format(root=ROOT, build=world.build, components=world.components) for part in command]
    if skip := missing(world, title, command):
        return skip
    script = [sys.executable, str(ROOT / "sidecar/conformance/soak.py"), "--seconds", os.environ.get("SOAK_SECONDS", "4")]
    status, out, _ = common.run([*script, "--", *command], merged=True, env=world.user_environment(), timeout=900)
    return Result(title, status == 0, out.decode(errors="replace")[-4000:])


def one_interface(world):
    """The guest that asks the templates' sidecars was made for their interface."""
    home = common.fresh_folder(world, "template-")
    try:
        texts = [path.read_text("utf-8") for path in (made(world, "node", home) / "wit/weather.wit",
                                                      ROOT / "tests/guests/wit/weather-api.wit")]
    except peer.Wrong as why:
        return Result("sidecars/one-interface", False, f"{why}\n")
    finally:
        common.remove(home)
    same_text = texts[0].startswith(texts[1])
    return Result("sidecars/one-interface", same_text, "tests/guests/wit/weather-api.wit is not the templates'\n")


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


def made(world, name, home):
    """A new project of a template."""
    folder = home / "weather"
    status, out, _ = common.run([f"{world.build}/loop", "provider", "new", "acme:weather", "--form", f"sidecar-{name}",
                                 "--dir", folder], cwd=home, merged=True, env=world.environment(home))
    if status:
        raise peer.Wrong(out.decode(errors="replace"))
    return folder


def copied(world, name, home):
    """The same, ready to run: that in C is built by its own Makefile."""
    copy = made(world, name, home)
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
        if "state" in it.capabilities:
            handed_over(command, folder, it.ask("SAVE-OBJECT", [0, 0, first]), windy)


def handed_over(command, folder, diary, warmest):
    """A diary goes on in another process: `diary-state` of weather.wit."""
    read = peer.wire.decode(peer.wire.parse_type(f"record{{place:string,readings:list<{READING}>}}"), diary)
    same((read["place"], [r["celsius"] for r in read["readings"]]), ("Ulm", [-3.0, 14.0, 2.5]))
    with peer.Sidecar(command, cwd=folder) as it:
        it.start()
        handle = it.ask("RESTORE-OBJECT", [0, 0], [diary])
        same(it.call("api.[method]diary.warmest", handle), {"some": warmest})
        it.call("api.[method]diary.note", handle, {"celsius": 30.0, "wind": None})
        same(it.call("api.[method]diary.warmest", handle), {"some": {"celsius": 30.0, "wind": None}})
        try:
            it.ask("RESTORE-OBJECT", [0, 0], [diary[:-1]])
            raise peer.Wrong("a diary that is none was taken over")
        except peer.Fault as fault:
            same(fault.code, "invalid")


def same(got, expected):
    if got != expected:
        raise peer.Wrong(f"{peer.short(got)}, not {peer.short(expected)}")


def storage_node(world):
    """The promises of loop:storage, kill -9, damaged files, its state handed over; the scripts count for themselves."""
    if skip := missing(world, "sidecars/storage-node", ["node"]):
        return skip
    home = common.fresh_folder(world, "storage-")
    folder = ROOT / "sidecars/storage-node"
    found = []
    for script in ("promises_test.py", "state_test.py"):
        status, out, err = common.run([sys.executable, folder / script, "--", "node", folder / "storage.js"],
                                      env=world.environment(home) | {"TMPDIR": str(home)}, cwd=home, timeout=900)
        found += sidecars.results("sidecars/storage-node", status, out.decode(errors="replace"), err.decode(errors="replace"))
    common.remove(home)
    return found


# --- under loop run, with a component -----------------------------------------------------

def workspace(world, folder, interface, link, component, grants):
    """A trusted workspace with one component; what runs it, and its environment, whose home is beside it."""
    (folder / "loop.yaml").write_text(json.dumps({  # JSON is YAML
        "loop": 1, "bind": {interface: link},
        "components": {"asks": {"path": str(world.components / f"guests/{component}.wasm"), "grants": grants}}}))
    env = world.environment(folder.parent / "home")
    loop = str(world.build / "loop")
    status, out, _ = common.run([loop, "trust", "--yes"], cwd=folder, env=env, merged=True)
    if status:
        raise peer.Wrong(f"cannot trust it: {out.decode()}")
    return [loop, "run", "asks"], env


SAID = """\
Ulm: 5.0
Bad Schandau: 14.0, wind 3.5
'': unknown place
warmest: 14.0, wind 3.5
"""


def under_loop(world, name, command):
    """A template, copied, bound and called by a component."""
    title = f"sidecars/{name}-under-loop"
    if skip := missing(world, title, command):
        return skip
    home = common.fresh_folder(world, "template-")
    command = [part.format(build=world.components) for part in command]
    try:
        work = copied(world, name, home)
        run, env = workspace(world, work, "acme:weather/api", {"sidecar": command, "warmer": 2}, "weather", {})
        status, out, err = common.run([*run, "Ulm", "Bad Schandau", ""], cwd=work, env=env)
        if (status, out.decode()) != (0, SAID):
            raise peer.Wrong(f"it ended with {status}:\n{out.decode()}{err.decode()}")
        if "weather/stderr: the diary of Ulm is closed" not in err.decode():
            raise peer.Wrong(f"not in the log: the diary is closed\n{err.decode()}")
    except peer.Wrong as why:
        return Result(title, False, f"{why}\n")
    finally:
        common.remove(home)
    return Result(title)


STORAGE = {"sidecar": ["node", str(ROOT / "sidecars/storage-node/storage.js")], "file": "data/store.log"}


def promises_under_loop(world):
    """The promises that a component asks of whoever serves loop:storage."""
    title = "sidecars/storage-node-promises-under-loop"
    if skip := missing(world, title, ["node"]):
        return skip
    home = common.fresh_folder(world, "storage-")
    work = home / "notes"
    work.mkdir()
    try:
        run, env = workspace(world, work, "loop:storage/store", STORAGE, "store-promises", {"storage": {"quota": "64MiB"}})
        status, out, err = common.run(run, cwd=work, env=env)
        kept = re.fullmatch(r"(\d+) of (\d+) promises kept\n", out.decode())
        ok = status == 0 and kept and kept[1] == kept[2]
        return Result(title, bool(ok), f"status {status}\n{out.decode()}{err.decode()}")
    finally:
        common.remove(home)


def storage_under_loop(world):
    """A component stores in storage-node; loop is killed (SIGKILL) meanwhile. What was acknowledged is
    there for the next run."""
    title = "sidecars/storage-node-under-loop"
    if skip := missing(world, title, ["node"]):
        return skip
    home = common.fresh_folder(world, "storage-")
    work = home / "notes"
    work.mkdir()
    try:
        run, env = workspace(world, work, "loop:storage/store", STORAGE, "store", {"storage": {"quota": "1MiB"}})
        total = 0
        for turn in range(6):
            # every other one is at work by then, however long that takes
            acknowledged = killed([*run, "in", "notes", "hammer"], work, env, random.uniform(0, 1), turn % 2 == 1)
            status, out, err = common.run([*run, "in", "notes", "many", "n", "."], cwd=work, env=env)
            if status:
                raise peer.Wrong(f"run {turn}: status {status}: {err.decode()}")
            there = out.decode().split()[-1]
            there = 0 if there == "-" else int(there)
            # One more may have been under way, and one whose line was not printed.
            if not (acknowledged or total) <= there or acknowledged and there > acknowledged + 2:
                raise peer.Wrong(f"run {turn}: {acknowledged} acknowledged, {there} there")
            total = there
        if total < 6:
            raise peer.Wrong(f"{total} writes in 6 runs: nothing was tested")
    except peer.Wrong as why:
        return Result(title, False, f"{why}\n")
    finally:
        common.remove(home)
    return Result(title)


def storage_swapped(world):
    """A component counts in storage-node at full speed, while that is swapped for other stores and back, and
    for a new process with the same file. What it counts has no gap, and the last store has all of it."""
    title = "sidecars/storage-node-swapped-under-loop"
    if skip := missing(world, title, ["node"]):
        return skip
    home, node = common.fresh_folder(world, "storage-"), "sidecar:" + " ".join(STORAGE["sidecar"])
    work = home / "notes"
    work.mkdir()
    try:
        run, env = workspace(world, work, "loop:storage/store", STORAGE, "store", {"storage": {"quota": "1MiB"}})
        swaps = ["memory", f"{node},file=data/b.log", None, "sqlite", f"{node},file=data/c.log", None]
        with subprocess.Popen([*run, "in", "notes", "hammer"], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, start_new_session=True, bufsize=0) as process:
            try:
                first = process.stdout.readline().decode()  # it is at work, and can be asked soon
                time.sleep(1)
                for link in swaps:
                    command = ["swap", "asks", f"loop:storage/store={link}"] if link else ["reload", "asks.loop:storage/store"]
                    status, out, _ = common.run([run[0], *command], cwd=work, env=env, merged=True)
                    if status:
                        raise peer.Wrong(f"{command}: {out.decode()}")
                    time.sleep(0.2)
            finally:
                process.kill()
                counted = (first + process.stdout.read().decode()).split("\n")[:-1]
        if [int(line) for line in counted] != list(range(1, len(counted) + 1)) or not counted:
            raise peer.Wrong(f"{len(counted)} lines, and not every number once, in order")
        link = {**STORAGE, "file": "data/c.log"}
        run, env = workspace(world, work, "loop:storage/store", link, "store", {"storage": {"quota": "1MiB"}})
        status, out, err = common.run([*run, "in", "notes", "many", "n", "."], cwd=work, env=env)
        if status or not len(counted) <= int(out.decode().split()[-1]) <= len(counted) + 2:
            raise peer.Wrong(f"{len(counted)} counted, {out.decode()} there: {err.decode()}")
    except peer.Wrong as why:
        return Result(title, False, f"{why}\n")
    finally:
        common.remove(home)
    return Result(title)


def killed(command, home, env, delay, working):
    """The last number that was printed; 0: none. `working`: at least one is."""
    process = subprocess.Popen(command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True, bufsize=0)
    first = process.stdout.readline().decode() if working else ""
    time.sleep(delay)
    if process.poll() is not None:
        raise peer.Wrong(f"it ended by itself: {process.communicate()[1].decode()}")
    process.kill()
    lines = (first + process.communicate()[0].decode()).split("\n")[:-1]  # the last one may be cut
    return int(lines[-1]) if lines else 0
