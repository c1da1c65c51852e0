#!/usr/bin/env python3
"""Checks a sidecar against sidecar/PROTOCOL.md.

    run.py [--only TEXT] [--jobs N] [--quiet] -- COMMAND [ARGUMENT...]

COMMAND is a program that serves conformance.wit, beside this file; each SDK has one. It is started
anew for each group of checks, and for each check of what may end it. Python 3.11 and its library are
all that is needed.

Prints a line a check (`ok`, `skipped` where the sidecar does not offer a capability, `FAILED` and why)
and last `N passed, N failed`. Exit status: 1 when one failed. --only keeps those with TEXT in their
name; --quiet prints failures alone.
"""

import argparse
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bulk  # noqa: E402
import process  # noqa: E402
import state  # noqa: E402
import talk  # noqa: E402
import values  # noqa: E402
import wire  # noqa: E402
from peer import Fault, Sidecar, Wrong  # noqa: E402


def running(command, check, **options):
    """A check of a sidecar that runs, and that has to be well after it."""
    with Sidecar(command, **options) as peer:
        peer.start()
        check(peer)
        if peer.messages:
            raise Wrong(f"{peer.messages[0][0]} {peer.messages[0][1]}, which nobody waits for")


def every_check(command):
    """(name, function without arguments)"""
    def new(**options):
        return Sidecar(command, **options)
    expected = process.read_expected(HERE / process.EXPECTED)
    for name, check in process.checks(expected):
        yield name, lambda check=check: check(new)
    for name, check in values.checks():
        yield name, lambda check=check: running(command, check)
    for name, check in talk.CHECKS:
        yield name, lambda check=check: running(command, check)
    for name, check in state.checks():
        yield name, lambda check=check: check(new)
    for name, check, options in bulk.CHECKS:
        yield name, lambda check=check, options=options: running(command, check, **options)


def run(check):
    """What a line says: "ok", "skipped" or "FAILED", and why."""
    try:
        check()
    except talk.Skip as why:
        return "skipped", str(why)
    except (Wrong, wire.Wrong) as error:
        return "FAILED", str(error)
    except Fault as fault:
        return "FAILED", f"FAULT {fault}"
    except Exception:
        return "FAILED", traceback.format_exc()
    return "ok", ""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main():
    args = arguments()
    chosen = [(name, check) for name, check in every_check(args.command) if args.only in name]
    counts = {"ok": 0, "skipped": 0, "FAILED": 0}
    with ThreadPoolExecutor(args.jobs) as pool:
        for (name, _), (verdict, why) in zip(chosen, pool.map(lambda row: run(row[1]), chosen)):
            counts[verdict] += 1
            if verdict == "FAILED" or not args.quiet:
                lines = "".join(f"\n    {line}" for line in why.splitlines())
                print(f"{verdict:7} {name}{lines}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed")
    return 1 if counts["FAILED"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
