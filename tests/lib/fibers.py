"""Fibers of components that are replaced while their trees are shown, by `loop run` as a real process.

What must hold: cells stay, what was mounted is not mounted again, effects are started by the component that is
there now, and the component in a slot is swapped like the one that runs.
"""

import os
import shutil

from .common import Result
from .control import Place, Wrong, check

CONFIG = """loop: 1
components:
  tree: { path: tree.wasm, grants: { needs: [fx.leaf] } }
  leaf: { path: leaf.wasm }
"""


def workspace(place):
    for name in ("tree", "leaf"):
        shutil.copy(place.guest(f"fx-{name}"), place.work / f"{name}.wasm")
    (place.work / "loop.yaml").write_text(CONFIG, encoding="utf-8")


def build_again(place, name):
    """The same program in another file, as a build leaves it."""
    new = place.work / f"{name}.new"
    new.write_bytes((place.work / f"{name}.wasm").read_bytes() + bytes((0, 3, 1)) + b"xy")
    os.rename(new, place.work / f"{name}.wasm")


def an_application_keeps_its_cells(place):
    workspace(place)
    host = place.start("run", "tree", "stay")
    host.until(lambda: "counter 3" in host.output(), "the counter does not count")
    build_again(place, "tree")
    place.loop("reload", "--restart", "tree")
    host.until(lambda: "counter 3 swapped" in host.output(), "the new component is not asked for its fibers")
    host.until(lambda: host.output().count("effect 4 starts") == 4, "its effect is not started again")
    check(host.output().count("mounted") == 1, f"it was mounted anew:\n{host.output()}")


def a_component_in_a_slot_is_swapped(place):
    workspace(place)
    host = place.start("run", "tree", "shown", "3")
    host.until(lambda: "effects: 3 start, 0 end" in host.output(), "no rows")
    build_again(place, "leaf")
    place.loop("reload", "leaf")
    host.until(lambda: host.output().count("swapped") == 3, "its fibers do not run again")
    host.until(lambda: "effects: 3 start, 3 end" in host.output(), "effects are not started anew")


TESTS = [an_application_keeps_its_cells, a_component_in_a_slot_is_swapped]


def run_test(world, test):
    name = f"fibers/{test.__name__}"
    place = Place(world)
    try:
        test(place)
        return Result(name)
    except Wrong as wrong:
        logs = "".join(f"--- output and log of {h.pid}\n{h.output()[-3000:]}\n{h.log()[-3000:]}" for h in place.hosts)
        return Result(name, False, f"{wrong}\n{logs}")
    finally:
        place.close()


def jobs(world):
    for test in TESTS:
        if world.pattern in f"fibers/{test.__name__}":
            yield lambda test=test: run_test(world, test)
