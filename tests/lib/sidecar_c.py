"""templates/sidecar-c: built in a copy by its own Makefile, as an author would, and spoken with."""

import shutil
import sys

from . import common
from .common import ROOT, Result

sys.path.insert(0, str(ROOT / "sidecar/conformance"))
import peer  # noqa: E402

MOST_LINES = 80


def jobs(world):
    yield lambda: template(world)


def template(world):
    title = "sidecar-conformance/c-template"
    home = common.fresh_folder(world, "template-")
    copy = home / "weather"
    shutil.copytree(ROOT / "templates/sidecar-c", copy)  # links become files: it needs nothing of this tree
    lines = len((copy / "weather.c").read_text("utf-8").splitlines())
    try:
        if lines >= MOST_LINES:
            return Result(title, False, f"weather.c has {lines} lines\n")
        status, out, _ = common.run(["make", "-s", f"LOOP={world.build}/loop", f"LOOP_CFLAGS=-I{ROOT}/include -Werror"],
                                    cwd=copy, merged=True, env=world.environment(home), timeout=120)
        if status:
            return Result(title, False, out.decode(errors="replace"))
        weather([str(copy / "weather")])
    except (peer.Wrong, peer.Fault) as why:
        return Result(title, False, f"{why}\n")
    finally:
        common.remove(home)
    return Result(title)


def weather(command):
    with peer.Sidecar(command, options={"warmer": "2"}) as it:
        it.start()
        same(it.call("api.now", "B\u00f6blingen"), {"ok": {"celsius": 11.0, "wind": None}})
        windy = {"celsius": 14.0, "wind": {"some": 3.5}}
        same(it.call("api.now", "Bad Schandau"), {"ok": windy})
        same(it.call("api.now", ""), {"error": "unknown-place"})
        diary = it.call("api.open-diary", "Ulm")
        same(it.call("api.[method]diary.warmest", diary), None)
        for reading in ({"celsius": -3.0, "wind": None}, windy, {"celsius": 2.5, "wind": None}):
            it.call("api.[method]diary.note", diary, reading)
        same(it.call("api.[method]diary.warmest", diary), {"some": windy})
        it.send("DROP", 0, [0, 0, diary])
        it.fault("api.[method]diary.warmest", diary)
        same("the diary of Ulm is closed" in it.said(), True)
        it.ping(1)
        same([entry["message"] for _, entry in it.logs], ["looked out of the window"] * 2)


def same(got, expected):
    if got != expected:
        raise peer.Wrong(f"{peer.short(got)}, not {peer.short(expected)}")
