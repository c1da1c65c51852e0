"""What sidecar/conformance/conformance.wit asks for; sidecar/conformance/run.py checks it."""

import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from loop_sidecar import Case, Err, Fault, Interface, Ok, Option, Resource, parse, serve  # noqa: E402

STATE, NAME = parse("record{total:u64,notes:list<string>}"), parse("string")
COLORS = ("red", "green", "blue")


class Thing:
    """A name, and how many handles of it there are."""

    living, lock = 0, threading.Lock()

    def __init__(self, name):
        self.name, self.handles = name, 0
        self.again()

    def again(self):
        with Thing.lock:
            Thing.living += self.handles == 0
            self.handles += 1
        return self

    def drop(self):
        with Thing.lock:
            self.handles -= 1
            Thing.living -= self.handles == 0


# --- test:conformance/values

def digest(call, data):
    found = 2166136261
    for byte in data:
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def weigh(call, shape):
    match shape:
        case Case("nothing"):
            return 0.0
        case Case("circle", n):
            return n
        case Case(_, many):
            return float(len(many))


def echo_result(call, value):
    if isinstance(value, Ok):
        return value.value
    raise value


VALUES = {
    "sum": lambda call, v: sum(v),
    "reverse": lambda call, text: text[::-1],
    "weigh": weigh,
    "next-color": lambda call, color: COLORS[(COLORS.index(color) + 1) % 3],
    "invert": lambda call, flags: {f"f{i}" for i in range(9)} - flags,
    "digest": digest,
    "fill": lambda call, n: (bytes((i * 31 + 7) % 256 for i in range(256)) * (n // 256 + 1))[:n],
    "fill-text": lambda call, n: ("abcdefghijklmnopqrstuvwxyz" * (n // 26 + 1))[:n],
    "echo-nothing": lambda call: None,
    "echo-result": echo_result,
    "echo-many": lambda call, *values: values,
}


# --- test:conformance/calls

def wait(call, ms):
    if call.wait(ms / 1000):
        raise Err(call.cancelled[0])
    return ms


def fault(call, code, messages, hint):
    raise Fault(code, *messages, hint=hint)


def refuse(call, why):
    raise Err(why)


def try_once(call, n):
    try:
        return call.next("once", n)
    except Fault as why:
        raise Err(why.code) from None


CALLS = {
    "who": lambda call: vars(call.caller),
    "wait": wait,
    "fault": fault,
    "refuse": refuse,
    "log": lambda call, level, message, field, value: call.log(level, message, **{field: value}),
    "print": lambda call, text: print(text),
    "option-text": lambda call, name: HOST.texts.get(name),
    "twice": lambda call, n: call.next("once", n) + call.next("once", n + 1),
    "try": try_once,
    "open": lambda call, name: call.next("open", name),
    "label": lambda call, item: f"<{call.next('label', item)}>",
    "forget": lambda call, name: call.next("open", name).drop(),
}


# --- test:conformance/things

def take(call, thing):
    thing.drop()
    return thing.name


def take_and_fail(call, thing):
    thing.drop()
    raise Fault("internal", "as was asked for")


THINGS = {
    "[method]thing.name": lambda call, thing: thing.name,
    "[static]thing.make": lambda call, name: Thing(name),
    "make-other": lambda call: Thing("other"),
    "again": lambda call, thing: thing.again(),
    "names": lambda call, a, b: f"{a.name}+{b.name}",
    "make-many": lambda call, n: [Thing(str(i)) for i in range(n)],
    "take": take,
    "take-and-fail": take_and_fail,
    "live": lambda call: Thing.living,
}


# --- test:conformance/state

class State:
    """A total and notes."""

    copies = True

    def __init__(self):
        self.total, self.kept, self.lock = 0, [], threading.Lock()
        self.copied = self.arrived = None  # how many notes a copy has; what one brought

    def add(self, call, n):
        with self.lock:
            self.total += n
            return self.total

    def note(self, call, text):
        self.kept.append(text)

    def notes(self, call):
        return self.kept

    def save(self, interface, how):
        if not interface.endswith("/state"):
            return
        if how == "rest" and self.copied is None:
            raise Fault("invalid", "a rest without a copy")
        with self.lock:
            held = {"total": self.total, "notes": self.kept[self.copied if how == "rest" else 0:]}
            self.copied = len(held["notes"]) if how == "copy" else self.copied
        yield STATE.encode(held)

    def restore(self, interface, how, pieces):
        found = STATE.decode(pieces.read())
        if not interface.endswith("/state"):
            raise Fault("invalid", f"nothing of {interface} is kept here")
        if how == "copy":
            self.arrived = found
            return
        if how == "rest" and not self.arrived:
            raise Fault("invalid", "a rest without a copy")
        self.total, self.kept = found.total, (self.arrived.notes if how == "rest" else []) + found.notes
        self.arrived = None

    def resume(self):
        self.copied = None


def interfaces(runs):
    """conformance.txt lists names and types; functions without one in `runs` echo their argument."""
    found, page = [], HERE.parents[2] / "sidecar/conformance/conformance.txt"
    for line in page.read_text("utf-8").splitlines():
        name, *rest = line.split()
        if line.startswith("#"):
            continue
        if line.startswith(" ") and rest[1:] == ["-"]:
            found[-1].passes(name, rest[0])
        elif line.startswith(" "):
            run = runs[found[-1].name].get(name)
            found[-1].function(rest[0], name)(run or (lambda call, value: value))
        else:
            names = rest[1].split(",") if rest[1:] else []
            moved = Resource(Thing.drop, save=lambda thing: NAME.encode(thing.name), restore=lambda b: Thing(NAME.decode(b)))
            found.append(Interface(f"{name}@{rest[0]}", {n: moved if n == "thing" else Thing.drop for n in names}))
    return found


def ready(host):
    global HOST
    HOST = host
    code = {"unavailable": "unavailable", "broken": "internal"}.get(host.options["mode"])
    if code:
        raise Fault(code, "cannot open", f"the mode is {host.options['mode']}", hint="use another mode")


state = State()
serve("conformance", interfaces({
    "test:conformance/values": VALUES, "test:conformance/calls": CALLS, "test:conformance/things": THINGS,
    "test:conformance/state": {"add": state.add, "note": state.note, "notes": state.notes},
}), version="1.0.0", summary="what the conformance script asks for", open=ready, state=state, options=[
    Option("text", fallback="hello"),
    Option("mode", "enum", "ready", values=("ready", "unavailable", "broken")),
    Option("limit", "size"),
])
