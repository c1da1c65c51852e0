"""Checks of the process: the handshake, what it refuses, how it ends."""

import os
import signal
import time

import wire
from peer import FRAMES, Ended, Fault, Wrong, pack
from talk import Skip, same

EXPECTED = "conformance.txt"


def header(number, payload=b"", flags=0, frame_id=0, magic=wire.MAGIC, length=None):
    return wire.HEADER.pack(len(payload) if length is None else length, number, flags, magic, frame_id) + payload


def read_expected(path):
    """[(interface, version, resources, {function: (type, implemented)})]"""
    interfaces = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(" "):
            name, kind, *rest = line.split()
            interfaces[-1][3][name] = (kind, not rest)
        else:
            name, version, *resources = line.split()
            interfaces.append((name, version, resources[0].split(",") if resources else [], {}))
    return interfaces


# --- the handshake

def welcome(new, expected):
    with new() as peer:
        value = peer.hear_welcome()
        same(value["magic"], "loop-sidecar")
        if 1 not in value["protocols"]:
            raise Wrong(f"the versions {value['protocols']}")
        same((value["name"], value["dev-only"]), ("conformance", False))
        found = {i["name"]: i for i in value["interfaces"]}
        for name, version, resources, functions in expected:
            if name.endswith("/state") and "state" not in value["capabilities"]:
                continue
            if name not in found:
                raise Wrong(f"no interface {name}")
            same(found[name]["version"], version, f"the version of {name}")
            same(sorted(found[name]["resources"]), sorted(resources), f"the resources of {name}")
            listed = {f["name"]: (f["type"], f["implemented"]) for f in found[name]["functions"]}
            for function, row in functions.items():
                same(listed.get(function), row, f"{name} {function}")
            same(len(found[name]["functions"]), len(functions), f"how many functions {name} has")
        options = {o["name"]: (o["type"], o["values"], o["fallback"]) for o in value["options"]}
        same(options, {"text": ("string", "", {"some": "hello"}),
                       "mode": ("enum", "ready|unavailable|broken", {"some": "ready"}),
                       "limit": ("size", "", None)}, "the options")
        finish(peer)


def finish(peer, **changes):
    peer.write(wire.frame(FRAMES["START"][0], 0, pack("START", peer.start_value(**changes))))
    peer.hear_ready()


def options(new):
    with new() as peer:
        peer.start()
        for name, text in (("text", {"some": "hello"}), ("limit", None), ("nothing", None)):
            same(peer.call("calls.option-text", name), text, f"the option {name}")
    with new(options={"text": "good \u00e9vening", "limit": "16777216"}) as peer:
        peer.start()
        for name, text in (("text", "good \u00e9vening"), ("limit", "16777216"), ("mode", "ready")):
            same(peer.call("calls.option-text", name), {"some": text}, f"the option {name}")


def fails(new):
    for mode, code in (("unavailable", "unavailable"), ("broken", "internal")):
        with new(options={"mode": mode}) as peer:
            try:
                peer.start()
            except Fault as fault:
                same((fault.code, len(fault.messages), fault.hint is None), (code, 2, False), f"FAIL of {mode}")
            else:
                raise Wrong(f"READY in the mode {mode}")
            peer.ends()


def later_start(new):
    """A later version of the page appends to START."""
    with new() as peer:
        peer.hear_welcome()
        payload = pack("START", peer.start_value()) + b"\x01\x02more of a later version"
        peer.write(wire.frame(FRAMES["START"][0], 0, payload))
        peer.hear_ready()
        same(peer.call("values.echo-u8", 3), 3)


def no_capabilities(new):
    """The least that a host may agree to."""
    with new(wanted=[]) as peer:
        peer.start()
        same(peer.call("values.echo-strings", ["a", "b"]), ["a", "b"])
        same(peer.call("calls.wait", 5), {"ok": 5})
        peer.ping(3)


def log_level(new):
    with new(log="warn") as peer:
        peer.start()
        for level in ("trace", "info", "warn", "error"):
            peer.call("calls.log", level, level, "f", 0)
        peer.ping(1)
        same([e["message"] for _, e in peer.logs], ["warn", "error"], "entries from warn on")


def by_hand(new):
    """Started by a person: it says so instead of waiting for frames."""
    env = {k: v for k, v in os.environ.items() if k not in ("LOOP_SIDECAR", "LOOP_SIDECAR_FD")}
    with new(env=env) as peer:
        if peer.ends(4) == 0:
            raise Wrong("it ends with 0")
        if not peer.said():
            raise Wrong("it says nothing")


# --- what it refuses

START = FRAMES["START"][0]


def refused(new, bytes_of, before_start=False, close=False):
    """`bytes_of` a peer: what is sent. It says what it saw and ends with a status that is not 0."""
    with new() as peer:
        peer.hear_welcome()
        if not before_start:
            finish(peer)
            peer.caller()
        try:
            data = bytes_of(peer)
            if data:
                peer.write(data)
            if close:
                peer.process.stdin.close()
        except Ended:
            pass
        if peer.ends() == 0:
            raise Wrong("it ends with 0, as if all were well")
        if not peer.said():
            raise Wrong("it does not say what it saw")


def cut_call(peer):
    i, k, *_ = peer.rows["values.echo-u32"]
    return pack("CALL", [1, i, k, 0, 0])


REFUSED = [
    ("text instead of frames", lambda p: b"GET / HTTP/1.1\r\n\r\n", {}),
    ("a header without lp", lambda p: header(0x21, magic=0x706d), {}),
    ("a payload of 1 MiB and a byte", lambda p: header(0x12, length=(1 << 20) + 1, frame_id=2), {}),
    ("a payload of 4 GiB", lambda p: header(0x12, length=0xffffffff, frame_id=2), {}),
    ("a flag that is none", lambda p: header(0x21, flags=2), {}),
    ("a type that is none", lambda p: header(0x05), {}),
    ("MORE on a frame that may not be cut", lambda p: header(0x21, flags=1), {}),
    ("the end within a header", lambda p: header(0x21)[:7], {"close": True}),
    ("the end within a frame", lambda p: header(0x12, b"\x01\x00", length=40, frame_id=2), {"close": True}),
    ("a frame that only a sidecar sends", lambda p: header(FRAMES["READY"][0]), {}),
    ("START again", lambda p: header(START, pack("START", p.start_value())), {}),
    ("a call before START", lambda p: header(0x12, cut_call(p) + b"\x01", frame_id=2), {"before_start": True}),
    ("a START that is none", lambda p: header(START, b"\x01\xff"), {"before_start": True}),
    ("a version that it does not know",
     lambda p: header(START, pack("START", p.start_value(protocol=99))), {"before_start": True}),
    ("the answer of a NEXT that it did not send", lambda p: header(0x14, b"\x01", frame_id=1), {}),
    ("a call with an odd id", lambda p: header(0x12, cut_call(p) + b"\x01", frame_id=3), {}),
    ("pieces that differ in type",
     lambda p: header(0x12, cut_call(p), flags=1, frame_id=2) + header(0x15, pack("FAULT", {
         "code": "io", "messages": ["x"], "hint": None}), frame_id=2), {}),
    ("a CALLER that is none", lambda p: header(0x10, b"\x05ab", frame_id=2), {}),
    ("a CREDIT that is none", lambda p: header(0x20, b"\xff\xff\xff\xff\xff\xff"), {}),
    ("CREDIT for more than was spent", lambda p: header(0x20, wire.leb(60 << 20)), {}),
    ("bytes behind a DROP", lambda p: header(0x17, b"\x00\x00\x01\x01"), {}),
]


def ignored(new):
    """Types from 0x80 on are for later."""
    with new() as peer:
        peer.start()
        peer.caller()
        for number in (0x81, 0xff):
            peer.credit -= 5
            peer.spent += 5
            peer.write(header(number, b"later", frame_id=77))
        same(peer.call("values.echo-u8", 9), 9)


# --- the end

def closed(new):
    with new() as peer:
        peer.start()
        same(peer.call("values.echo-u8", 1), 1)
        start = time.monotonic()
        same(peer.close(), 0, "its status")
        if time.monotonic() - start > 3:
            raise Wrong("it took its time")


def closed_while_busy(new):
    with new() as peer:
        peer.start()
        if "cancel" not in peer.capabilities:
            raise Skip("it does not offer cancel: its functions run to their end")
        for _ in range(3):
            peer.begin("calls.wait", 60000)
        peer.ping(1)
        same(peer.close(), 0, "its status")


def closed_in_handshake(new):
    with new() as peer:
        peer.hear_welcome()
        peer.process.stdin.close()
        peer.ends()


def host_is_gone(new):
    """Nobody reads what it writes, and stdin has ended."""
    with new() as peer:
        peer.start()
        peer.begin("values.fill", 3 << 20)
        peer.process.stdout.close()
        peer.process.stdin.close()
        peer.ends()


def terminated(new):
    with new() as peer:
        peer.start()
        os.killpg(peer.process.pid, signal.SIGTERM)
        peer.ends(1)


def checks(expected):
    yield "handshake: WELCOME comes first and is what conformance.wit says", lambda new: welcome(new, expected)
    yield "handshake: options", options
    yield "handshake: FAIL", fails
    yield "handshake: a START of a later version", later_start
    yield "handshake: no capability at all", no_capabilities
    yield "handshake: entries below the level of START do not come", log_level
    yield "handshake: started without a host, it says so", by_hand
    for what, bytes_of, more in REFUSED:
        yield f"refused: {what}", lambda new, b=bytes_of, m=more: refused(new, b, **m)
    yield "refused: but types of later versions are ignored", ignored
    yield "end: stdin is closed", closed
    yield "end: stdin is closed while functions run", closed_while_busy
    yield "end: in the handshake", closed_in_handshake
    yield "end: the host is gone", host_is_gone
    yield "end: SIGTERM", terminated
