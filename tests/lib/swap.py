"""Providers swapped under live guests (tests/swap/): nothing is lost or doubled, whatever fails on the way.

SWAPS, SWAP_KEYS, FLAT_SWAPS and BOTH_SWAPS say how many; `make soak` has more of each.
"""

import os
import shutil

from . import common
from .common import ROOT, Result
from .supervisor import environment, left_over

# What the names of the cases of tests/swap/fails.c begin with: a process each.
FAILURES = ["types/", "new-linked-in/", "new-sidecar/", "old-linked-in/", "library/", "sidecar/", "sqlite/", "dry-run/"]
LONGEST = 7200


def number(name, otherwise):
    return os.environ.get(name, str(otherwise))


def jobs(world):
    for name in FAILURES:
        yield lambda name=name: fails(world, name)
    yield lambda: flat(world)
    yield lambda: both(world)
    yield lambda: live(world)


def run(world, program, *words, asan=None):
    """In a scratch folder; its status, what it printed, and what it left running."""
    home = common.fresh_folder(world, "swap-")
    mark = f"LOOP_TEST_MARK={os.getpid()}-{home.name}"
    env = environment(world, home, mark)
    if asan:
        env["ASAN_OPTIONS"] = f"{env.get('ASAN_OPTIONS', '')}:{asan}"
    status, out, err = common.run([str(world.build / "tests" / program), str(world.components / "guests"), str(home),
                                   *map(str, words)], cwd=home, env=env, timeout=LONGEST)
    left = "".join(f"left running: {pid} {line}\n" for pid, line in left_over(mark))
    common.remove(home)
    return status, out.decode(errors="replace"), err.decode(errors="replace") + left, left


def one(name, world, *words, asan=None):
    status, out, err, left = run(world, "swap_live", world.build / "tests/shelf.so", *words, asan=asan)
    if status == 0 and not left and os.environ.get("SWAP_FIGURES"):
        print(out, end="")
    return Result(name, status == 0 and not left, f"{common.shown(status)}\n{out}{err}")


def flat(world):
    # What is freed stays in the sanitizer's quarantine for a while.
    return one("swap/flat", world, "flat", number("FLAT_SWAPS", 500),
               asan="quarantine_size_mb=8:thread_local_quarantine_size_kb=64")


def both(world):
    status, out, err, left = run(world, "swap_both", number("BOTH_SWAPS", 300))
    return Result("swap/both", status == 0 and not left, f"{common.shown(status)}\n{out}{err}")


def live(world):
    node = ["node", str(ROOT / "sidecars/storage-node/storage.js")] if shutil.which("node") else []
    return one("swap/live", world, "mixed", number("SWAP_KEYS", 5000), number("SWAPS", 40), 65536, *node)


def fails(world, which):
    """A Result a line; what it did not get to is a failure, too. What hangs is left behind, with what it has."""
    status, out, err, left = run(world, "swap_fails", world.build / "tests", world.build / "tests/swap_frail", which,
                                 asan="detect_leaks=0")
    results = []
    for line in out.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("ok", "FAILED"):
            name, _, why = rest.partition(": ")
            results.append(Result(f"swap/{name if '/' in name else which + name}", word == "ok", why))
        elif results and not results[-1].ok:
            results[-1].detail += "\n" + line
    if not results or left or (status and all(r.ok for r in results)):
        results.append(Result(f"swap/{which}", False, f"{common.shown(status)}\n{out[-2000:]}{err[-4000:]}"))
    return results
