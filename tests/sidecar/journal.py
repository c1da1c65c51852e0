"""A sidecar that keeps lines in a file; a line is on the disk before its call is answered.

    journal.py FILE [kill]

`kill`: it kills itself where a line says so: `die-before`, `die-after` (it was written, and not
answered), `slow SECONDS`, `fault`, `log`.
"""

import os
import sys
import time

import tiny

path = sys.argv[1]
things, dropped = {}, []
file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
lines = os.pread(file, 1 << 26, 0).count(b"\n")


def append(number, function, text):
    global lines
    if text == "die-before":
        os.kill(os.getpid(), 9)
    if text.startswith("slow "):
        time.sleep(float(text.split()[1]))
    if text == "fault":
        tiny.fault(number, "internal", "the journal is broken", "it was told to", hint="tell it otherwise")
        return
    if text == "refuse":
        tiny.result(number, function, {"error": {"refused": "not that"}})
        return
    if text == "log":
        tiny.log("warn", "asked to say so", number, [{"name": "n", "value": {"integer": 3}}])
        print("and on stdout", flush=True)
        print("and on stderr", file=sys.stderr, flush=True)
    os.write(file, text.encode() + b"\n")
    os.fsync(file)
    lines += 1
    if text == "die-after":
        os.kill(os.getpid(), 9)
    tiny.result(number, function, {"ok": lines})


def main():
    global things
    start = tiny.handshake(options=[
        {"name": "greeting", "type": "string", "values": "", "fallback": {"some": "hello"}, "help": "what plain says"}])
    greeting = dict(map(tuple, start["options"]))["greeting"]
    while True:
        kind, number, payload = tiny.read()
        if kind == tiny.PING:
            tiny.send(tiny.PONG, number)
        if kind == tiny.DROP:
            (_, _, handle), _ = tiny.numbers(payload, 3)
            del things[handle]
        if kind != tiny.CALL:
            continue
        _, name, function, _, arguments = tiny.call_of(payload)
        if name == "append":
            append(number, function, tiny.text_of(arguments))
        elif name == "echo":
            tiny.send(tiny.RESULT, number, b"\0" + arguments)
        elif name == "plain":
            tiny.result(number, function, f"{greeting} {tiny.text_of(arguments)}")
        elif name == "open":
            handle = 2 * len(things) + 1
            while handle in things:
                handle += 2
            things[handle] = len(tiny.text_of(arguments))
            tiny.result(number, function, {"ok": handle})
        else:
            (handle,), _ = tiny.numbers(arguments, 1)
            size = things.pop(handle) if name == "take" else things[handle]
            tiny.result(number, function, {"ok": size + 100 * len(things)})


main()
