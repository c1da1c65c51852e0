#!/usr/bin/env python3
"""Calls a sidecar by hand, as loop would: to try one without a component.

    call.py [--option NAME=VALUE]... [CALL...] -- COMMAND [ARGUMENT...]

Starts COMMAND, prints what it says it is, then each CALL and its answer. A CALL is a function as the list
shows it and its arguments as JSON: 'api.now "Ulm"'. Values look as in sidecar/PROTOCOL.md; a resource
is its number. What the sidecar prints follows at the end. Exit status: 1 when a call ended in FAULT.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer import Fault, Sidecar, Wrong  # noqa: E402


def arguments():
    own, _, command = "\0".join(sys.argv[1:]).partition("\0--\0")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("calls", nargs="*", metavar="CALL")
    args = parser.parse_args(own.split("\0") if own else [])
    if not command:
        parser.error("a command is missing: -- node weather.js")
    args.command = command.split("\0")
    args.options = dict(o.split("=", 1) for o in args.option)
    return args


def values(text):
    """JSON values with spaces between."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def describe(welcome):
    print(f"{welcome['name']} {welcome['version']}: {welcome['summary'] or 'a sidecar'}")
    for interface in welcome["interfaces"]:
        print(f"  {interface['name']}@{interface['version']}")
        for row in interface["functions"]:
            passes = "" if row["implemented"] else "  (passes on)"
            print(f"    {interface['name'].rpartition('/')[2]}.{row['name']} {row['type']}{passes}")


def call(peer, text):
    name, _, rest = text.partition(" ")
    if name not in peer.rows:
        print(f"there is no function '{name}'")
        return False
    try:
        answer = peer.call(name, *values(rest))
        print(f"{text} = {json.dumps(answer, ensure_ascii=False)}")
    except Fault as fault:
        print(f"{text}: FAULT {fault}")
        return False
    return True


def main():
    args = arguments()
    try:
        with Sidecar(args.command, options=args.options) as peer:
            peer.start()
            describe(peer.welcome)
            well = all([call(peer, text) for text in args.calls])
            peer.close()
            if peer.said():
                print("it printed:\n  " + peer.said().replace("\n", "\n  "))
        return 0 if well else 1
    except (Wrong, Fault) as why:
        print(f"error: {why}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
