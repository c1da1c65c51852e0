#!/usr/bin/env python3
"""Runs the tests.

    tests/run.py --build DIR [--components DIR] [--only GROUP[,GROUP]] [--without GROUP[,GROUP]] [--update] [PATTERN]

Groups: those of GROUPS below. DIR is the build under test; --components says where examples/
and guests/ lie when that is another folder. PATTERN keeps the golden and limits cases
whose name has it in it; --update writes what golden cases print into their files (tests/lib/golden.py
describes the format).

Quiet while all is well; a failure is shown with what was expected and what came.
The last line is always `N passed, N failed`; the exit status is 1 when one failed.

To add a group: a generator of jobs in tests/lib/, a row in GROUPS.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lib import (archives, building, common, control, fibers, golden, groups, hosts, installed, installing,  # noqa: E402
                 limits, registries, scaffold, sdk, sidecar_programs, sidecars, signatures, slots, storage, supervisor,
                 swap)

# name, jobs, how many at a time (1: they measure time)
GROUPS = [
    ("unit", groups.unit_jobs, 2),
    ("conformance", groups.conformance_jobs, 2),
    ("golden", golden.jobs, 2),
    ("limits", limits.jobs, 1),
    ("storage", storage.jobs, 1),
    ("sidecar-conformance", sidecars.jobs, 1),
    ("sidecars", sidecar_programs.jobs, 1),
    ("headers", groups.header_jobs, 2),
    ("symbols", groups.symbol_jobs, 2),
    ("wit", groups.wit_jobs, 2),
    ("layers", groups.layer_jobs, 2),
    ("fuzz", groups.fuzz_jobs, 2),
    ("sdk", sdk.jobs, 2),
    ("install", installed.jobs, 2),
    ("installing", installing.jobs, 2),
    ("hosts", hosts.jobs, 2),
    ("scaffold", scaffold.jobs, 2),
    ("sidecar", supervisor.jobs, 2),
    ("swap", swap.jobs, 2),
    ("control", control.jobs, 2),
    ("slots", slots.jobs, 2),
    ("fibers", fibers.jobs, 2),
    ("build", building.jobs, 2),
    ("registries", registries.jobs, 2),
    ("signatures", signatures.jobs, 1),
    ("attacks", golden.attack_jobs, 2),
    ("archives", archives.jobs, 2),
    ("docs", groups.doc_jobs, 2),
]


def guarded(job):
    """A defect of the tests themselves is a failure with its traceback."""
    def run():
        try:
            found = job()
        except Exception:
            found = common.Result(getattr(job, "__name__", "a job"), False, traceback.format_exc())
        return found if isinstance(found, list) else [found]
    return run


def run_group(name, jobs, width):
    results = []
    with ThreadPoolExecutor(width) as pool:
        for found in pool.map(lambda job: guarded(job)(), jobs):
            for result in found:
                results.append(result)
                if not result.ok:
                    print(f"FAILED {result.name}\n{common.indent(result.detail)}", flush=True)
    return results


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--components", type=Path)
    parser.add_argument("--only", default="", metavar="GROUP[,GROUP]")
    parser.add_argument("--without", default="", metavar="GROUP[,GROUP]")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("pattern", nargs="?", default="")
    args = parser.parse_args()
    known = [name for name, _, _ in GROUPS]
    args.wanted = [name for name in args.only.split(",") if name] or known
    args.wanted = [name for name in args.wanted if name not in args.without.split(",")]
    for name in args.wanted:
        if name not in known:
            parser.error(f"there is no group '{name}'; there are {', '.join(known)}")
    return args


def is_built_for(build, sanitizer):
    try:
        options = json.loads((build / "meson-info/intro-buildoptions.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return any(o["name"] == "b_sanitize" and sanitizer in o["value"] for o in options)


def main():
    args = arguments()
    build = args.build.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A shell starts what runs in the background with Ctrl-C ignored, and nohup what it runs with
    # SIGHUP ignored, and so would all of these.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="loop-tests-") as scratch:
        world = common.World(build, (args.components or args.build).resolve(), args.update,
                             args.pattern, is_built_for(build, "address"), common.Servers(), Path(scratch))
        try:
            for name, jobs, width in GROUPS:
                if name not in args.wanted:
                    continue
                start = time.monotonic()
                results = run_group(name, jobs(world), width)
                good = sum(r.ok and not r.skip for r in results)
                bad = sum(not r.ok for r in results)
                for r in results:
                    if r.skip and r.ok:
                        print(f"skipped {r.name}: {r.skip}")
                print(f"{name}: {good} passed, {bad} failed ({time.monotonic() - start:.1f} s)",
                      flush=True)
                passed, failed = passed + good, failed + bad
        finally:
            world.servers.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
