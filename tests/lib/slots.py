"""Components in slots, by `loop run` as a real process: bound in loop.yaml, seen by `loop inspect`,
`explain` and `status`, swapped from outside while they are called, built again under a running host.

What must hold: no call fails or is lost whatever serves it, and a component gets what loop.yaml
grants it, whoever calls.
"""

import json
import os
import shutil
import time

from . import common
from .common import Result
from .control import Place, Wrong, check

LINKS = "demo:slots/links"
CONFIG = """loop: 1
components:
  a: {{ path: a.wasm, needs: {{ optional: [{links}, demo:slots/other] }}, bind: {{ {links}: {bound} }} }}
  one: {{ path: one.wasm, needs: {{ optional: [{links}, demo:slots/other] }}, on-trap: stop }}
  two: {{ path: two.wasm, needs: {{ optional: [{links}, demo:slots/other] }} }}
"""
CALLS = 100_000_000  # until it is ended


def workspace(place, bound="{ component: one }", one="slots-keeping1"):
    for name, guest in [("a", "slots-node1"), ("one", one), ("two", "slots-keeping2")]:
        shutil.copy(place.guest(guest), place.work / f"{name}.wasm")
    write(place, bound)


def write(place, bound):
    new = place.work / "loop.yaml.new"
    new.write_text(CONFIG.format(links=LINKS, bound=bound), encoding="utf-8")
    new.rename(place.work / "loop.yaml")


def hammering(place, *options):
    """Calls what serves it for ever, and ends with an error where one call fails."""
    return place.start("run", *options, "--invoke", f"links.count-on({CALLS})", "a")


def row(place, instance="a"):
    status = json.loads(place.loop("status", "--json", instance))[0]
    return next(m for m in status["imports"] if m["interface"].startswith(LINKS))


def calls_go_on(place, host):
    before = row(place)["calls"]
    host.until(lambda: row(place)["calls"] > before, "no call is made any more")


def it_is_shown_everywhere(place):
    workspace(place)
    check(f"{LINKS}@0.1.0  <- one" in place.loop("inspect", "a").replace("(component)", "").replace("  (", " ("),
          "loop inspect does not show it")
    check(f"{LINKS}@0.1.0: one" in place.loop("explain", "a"), "loop explain does not show it")
    check("1000001" in place.loop("run", "--invoke", "links.ask(1)", "a"), "it does not serve")
    path = "./a.wasm"  # no row of loop.yaml, so that what is bound for all holds
    out = place.loop("run", "--optional", "demo:slots/other", "--bind", f"{LINKS}=component:one", "--invoke",
                     "links.ask(1)", path, status=None)
    check("in a circle: one > one" in out, out)  # for all: for the one that serves, too
    host = hammering(place)
    calls_go_on(place, host)
    m = row(place)
    check(m["chain"] == "one" and m["tier"] == "component", f"loop status says {m}")
    check("one" in place.loop("ps"), "loop ps does not show it")


def mistakes_are_told(place):
    workspace(place, "{ component: onee }")
    out = place.loop("run", "--invoke", "links.count()", "a", status=None)
    check("loop.yaml:3:" in out and "did you mean 'one'" in out, out)
    workspace(place, "{ component: one, library: x.so }")
    check("not both" in place.loop("run", "--invoke", "links.count()", "a", status=78), "two forms are taken")
    workspace(place)
    os.unlink(place.work / "one.wasm")
    out = place.loop("run", "--invoke", "links.count()", "a", status=None)
    check("one.wasm" in out and "loop.yaml:3:" in out, out)
    workspace(place)
    text = (place.work / "loop.yaml").read_text(encoding="utf-8")
    (place.work / "loop.yaml").write_text(f"{text}bind: {{ {LINKS}: {{ component: two }} }}\n", encoding="utf-8")
    out = place.loop("run", "--invoke", "links.count()", "a", status=None)
    check("in a circle: two > two" in out.replace("one > ", ""), out)


def swaps_under_load(place):
    workspace(place)
    host = hammering(place)
    calls_go_on(place, host)
    for i in range(6):
        wanted = "one" if i % 2 else "two"
        out = place.loop("swap", "a", f"{LINKS}=component:{wanted}")
        check(f"→ {wanted}" in out and "carried" in out, out)
        calls_go_on(place, host)
    check(row(place)["generation"] == 7, f"{row(place)}")
    out = place.loop("swap", "a", f"{LINKS}=component:nobody", status=None)
    check("nobody" in out and "error:" in out, out)
    calls_go_on(place, host)


def one_that_was_built_again_is_swapped_in(place):
    workspace(place)
    host = hammering(place)
    calls_go_on(place, host)
    shutil.copy(place.guest("slots-keeping2"), place.work / "one.new")
    os.rename(place.work / "one.new", place.work / "one.wasm")
    out = place.loop("reload", f"a.{LINKS}")
    check("generation 2" in out, out)
    calls_go_on(place, host)
    out = place.loop("reload", "--restart", status=None)
    check("generation 3" in out, out)


def watching_follows_it(place):
    workspace(place)
    host = hammering(place, "--watch")
    calls_go_on(place, host)
    shutil.copy(place.guest("slots-keeping2"), place.work / "one.new")
    os.rename(place.work / "one.new", place.work / "one.wasm")
    host.logs("swapped 'one' for 'demo:slots/links'")
    calls_go_on(place, host)
    write(place, "{ component: two }")
    host.logs("'two' serves it now")
    calls_go_on(place, host)


def one_that_is_built_wrong_changes_nothing(place):
    workspace(place)
    host = hammering(place)
    for guest in ["weather", "core-module", "slots-node1"]:  # the last one cannot take the state over
        shutil.copy(place.guest(guest), place.work / "one.new")
        os.rename(place.work / "one.new", place.work / "one.wasm")
        out = place.loop("reload", f"a.{LINKS}", status=None)
        check("error:" in out, f"{guest}: {out}")
        calls_go_on(place, host)
    check(row(place)["generation"] == 1, "something was swapped")


def a_component_loads_a_package(place):
    """Where `loop run` finds packages; what is loaded does is tested in host/child_test.c."""
    for name, guest in [("parent", "slots-loads"), ("plugin", "slots-node1")]:
        shutil.copy(place.guest(guest), place.work / f"{name}.wasm")
    needs = f"needs: {{ optional: [{LINKS}, demo:slots/other] }}"
    (place.work / "loop.yaml").write_text(
        f"loop: 1\noverrides: {{ 'test:plugin': plugin.wasm }}\ncomponents:\n"
        f"  parent: {{ path: parent.wasm, {needs}, grants: {{ packages: [test] }} }}\n"
        f"  poor: {{ path: parent.wasm, {needs} }}\n", encoding="utf-8")

    def load(component, package):
        return place.loop("run", "--invoke", f'loading.load("{package}", "x", [])', component, status=None)

    check("ok(0)" in load("parent", "test:plugin"), load("parent", "test:plugin"))
    out = load("parent", "test:nothing")
    check("unavailable: " in out and "not in the cache" in out or "is in the cache" in out, out)
    check("denied: " in load("parent", "other:plugin"), "a package of another namespace is loaded")
    check("denied: " in load("poor", "test:plugin"), "a package is loaded without a grant")


TESTS = [a_component_loads_a_package, it_is_shown_everywhere, mistakes_are_told, swaps_under_load,
         one_that_was_built_again_is_swapped_in, watching_follows_it, one_that_is_built_wrong_changes_nothing]


def run_test(world, test):
    name = f"slots/{test.__name__}"
    place = Place(world)
    try:
        test(place)
        return Result(name)
    except Wrong as wrong:
        logs = "".join(f"--- log of {h.pid}\n{h.log()[-3000:]}" for h in place.hosts)
        return Result(name, False, f"{wrong}\n{logs}")
    finally:
        place.close()


def jobs(world):
    for test in TESTS:
        if world.pattern in f"slots/{test.__name__}":
            yield lambda test=test: run_test(world, test)
