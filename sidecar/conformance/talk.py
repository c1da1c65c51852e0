"""Checks of calls: both ways, at once, cancelled; handles. A running sidecar each."""

import time

import wire
from peer import Ended, Fault, Wrong, short

ODD_MOST = (1 << 53) - 1


def same(got, expected, what=""):
    if got != expected:
        raise Wrong(f"{what}{': ' if what else ''}{short(got)}, not {short(expected)}")


def needs(peer, *capabilities):
    for name in capabilities:
        if name not in peer.capabilities:
            raise Skip(f"it does not offer {name}")


class Skip(Exception):
    pass


# --- calls

def who(peer):
    a = peer.caller("notes", "acme:notes", 16 << 20, "")
    b = peer.caller("\u00e9", "x" * 8192, 0, "run it with --storage 1MiB")
    for number, expected in ((a, ("notes", "acme:notes", 1000 + a, 16 << 20, "")),
                             (b, ("\u00e9", "x" * 8192, 1000 + b, 0, "run it with --storage 1MiB")),
                             (a, ("notes", "acme:notes", 1000 + a, 16 << 20, ""))):
        same(tuple(peer.call("calls.who", caller=number).values()), expected)


def caller_gone(peer):
    a = peer.caller("first", "one")
    peer.call("calls.who", caller=a)
    peer.send("CALLER-GONE", a)
    peer.send("CALLER-GONE", 4000)  # of nobody: nothing happens
    peer.caller("second", "two", number=a)
    same(peer.call("calls.who", caller=a)["identity"], "two", "the number of a caller, given again")


def faults(peer):
    for code, messages, hint in (("internal", ["lost the die"], None),
                                 ("denied", ["cannot open it", "no \u00e9ntry", "because"], {"some": "ask"}),
                                 ("io", ["a", "b"], None), ("limit", ["m" * 3000], {"some": "h" * 3000})):
        fault = peer.fault("calls.fault", code, messages, hint)
        same((fault.code, fault.messages, fault.hint), (code, messages, hint))
    same(peer.call("calls.refuse", "no"), {"error": "no"})


def log(peer):
    peer.call("calls.log", "warn", "worn \u00e9", "edge", -3)
    call_id = peer.begin("calls.log", "trace", "fine", "edge", 4)
    peer.answer(call_id)
    peer.ping(1)  # entries may come behind the answer
    same([e["level"] for _, e in peer.logs], ["warn", "trace"], "the levels of two entries")
    entry = peer.logs[0][1]
    same((entry["target"], entry["message"]), ("conformance", "worn \u00e9"))
    same(entry["fields"], [{"name": "edge", "value": {"integer": -3}}])
    now = time.time() * 1000
    if entry["wall-ms"] and abs(entry["wall-ms"] - now) > 60000:
        raise Wrong(f"an entry of {entry['wall-ms']}, which is not now")


def printed(peer):
    peer.call("calls.print", "chatter \u00e9")
    same(peer.call("values.echo-u8", 1), 1)
    until = time.monotonic() + 2
    while "chatter" not in peer.said():
        if time.monotonic() > until:
            raise Wrong("what is printed to stdout does not come on stderr")
        time.sleep(0.02)


def ids(peer):
    peer.caller()
    for call_id in (2, 2, 0xfffffffe, 2, 65536, 2):
        same(peer.call("values.echo-u32", call_id, call_id=call_id), call_id)


def once_each(peer):
    for i in range(50):
        same(peer.call("values.echo-u32", i), i)
    peer.fault("calls.fault", "internal", ["x"], None)
    peer.quiet(0.2)


def unknown_function(peer):
    """FAULT, or the end of it: the host asks for nothing that is not listed."""
    peer.caller()
    peer.rows["none"] = (0, 900, *wire.parse_function("()->u8"))
    peer.rows["nowhere"] = (200, 0, *wire.parse_function("()->u8"))
    try:
        for name in ("none", "nowhere"):
            peer.fault(name)
        same(peer.call("values.echo-u8", 1), 1)
    except Ended:
        if peer.ends() == 0 or not peer.said():
            raise


def pipelined(peer):
    most = peer.welcome["calls"] or 64
    waiting, sent = [], 0
    while sent < 2000 or waiting:
        while sent < 2000 and len(waiting) < min(most, 64):
            waiting.append((peer.begin("values.echo-u32", sent), sent))
            sent += 1
        call_id, n = waiting.pop(0)
        same(peer.answer(call_id), n)


def at_once(peer):
    needs(peer, "cancel")
    if 0 < peer.welcome["calls"] < 8:
        raise Wrong("it bears fewer than 8 calls at once, which conformance.wit asks for")
    long = [peer.begin("calls.wait", 1500) for _ in range(7)]
    short_one = peer.begin("calls.wait", 10)
    start = time.monotonic()
    same(peer.any_answer(), short_one, "the first of eight that is answered")
    peer.answer(short_one)
    for call_id in long:
        same(peer.answer(call_id), {"ok": 1500})
    if time.monotonic() - start > 6:
        raise Wrong("seven calls that wait take one another's time")


# --- cancellation

def cancelled(peer):
    needs(peer, "cancel")
    for reason in ("interrupted", "deadline", "stopped"):
        call_id = peer.begin("calls.wait", 60000)
        peer.ping(1)  # it has begun, or will
        peer.send("CANCEL", call_id, [reason, 250])
        same(peer.answer(call_id, 3), {"error": reason})


def cancelled_late(peer):
    needs(peer, "cancel")
    call_id = peer.begin("calls.wait", 60000)
    for _ in range(3):
        peer.send("CANCEL", call_id, ["deadline", 0])
    same(peer.answer(call_id, 3), {"error": "deadline"})
    peer.send("CANCEL", call_id, ["stopped", 0])
    peer.send("CANCEL", 123456, ["stopped", 0])
    same(peer.call("calls.wait", 1, call_id=call_id), {"ok": 1}, "the id of a cancelled call, used again")
    peer.quiet(0.1)


def cancel_one_of_many(peer):
    needs(peer, "cancel")
    ids_ = [peer.begin("calls.wait", 60000) for _ in range(6)]
    for call_id in reversed(ids_):
        peer.send("CANCEL", call_id, ["stopped", 0])
        same(peer.any_answer(), call_id, "the call that was cancelled")
        same(peer.answer(call_id), {"error": "stopped"})


def ping_meanwhile(peer):
    needs(peer, "cancel")
    call_id = peer.begin("calls.wait", 60000)
    start = time.monotonic()
    for number in (7, 0, 0xffffffff):
        peer.ping(number)
    if time.monotonic() - start > 2:
        raise Wrong("PONG came late while a function ran")
    peer.send("CANCEL", call_id, ["stopped", 0])
    peer.answer(call_id)


def ping(peer):
    for number in range(200):
        peer.ping(number)


# --- the next of the chain

def ten_times(peer):
    def on_next(frame_id, call_id, name, args, result):
        same(name, "calls.once", "what it asks the next for")
        peer.answer_next(frame_id, result, args[0] * 10)
    return on_next


def asks_next(peer):
    peer.on_next = ten_times(peer)
    same(peer.call("calls.twice", 4), 90)
    same(peer.call("calls.try", 6), {"ok": 60})
    for i in range(100):
        same(peer.call("calls.twice", i), 20 * i + 10)


def next_fails(peer):
    same(peer.call("calls.try", 1), {"error": "unavailable"}, "at the end of the chain")
    peer.on_next = lambda frame_id, *_: peer.fail_next(frame_id, "denied", ["no", "because"])
    same(peer.call("calls.try", 1), {"error": "denied"})
    if not peer.fault("calls.twice", 1).messages:
        raise Wrong("FAULT without a message")
    peer.on_next = ten_times(peer)
    same(peer.call("calls.try", 1), {"ok": 10}, "after it")


def nexts_at_once(peer):
    needs(peer, "cancel")
    asked = []
    peer.on_next = lambda frame_id, call_id, name, args, result: asked.append((frame_id, call_id, args, result))
    calls = {peer.begin("calls.try", n): n for n in range(6)}
    until = time.monotonic() + peer.patience
    while len(asked) < 6:
        peer.pump(until, "six NEXTs at once")
    for frame_id, call_id, args, result in reversed(asked):
        same(args, [calls[call_id]], "the call that a NEXT names")
        peer.answer_next(frame_id, result, args[0] + 100)
    for call_id, n in calls.items():
        same(peer.answer(call_id), {"ok": n + 100})


def cancelled_in_next(peer):
    needs(peer, "cancel")
    asked = []
    peer.on_next = lambda frame_id, *_: asked.append(frame_id)
    call_id = peer.begin("calls.try", 1)
    while not asked:
        peer.pump(time.monotonic() + peer.patience, "NEXT")
    peer.send("CANCEL", call_id, ["stopped", 0])
    peer.fail_next(asked[0], "cancelled", ["the call was given up"])
    same(peer.answer(call_id), {"error": "cancelled"})


def called_in_next(peer):
    """Another call while one waits for its NEXT."""
    needs(peer, "cancel")

    def on_next(frame_id, call_id, name, args, result):
        inner = peer.begin("values.echo-u32", args[0] + 1)
        peer.answer_next(frame_id, result, peer.answer(inner))
    peer.on_next = on_next
    same(peer.call("calls.try", 5), {"ok": 6})


def foreign_handles(peer):
    items, gone = {}, []

    def on_next(frame_id, call_id, name, args, result):
        if name == "calls.open":
            number = 2 * len(items) + (1 << 40)
            items[number] = args[0]
            peer.answer_next(frame_id, result, number)
        elif name == "calls.label":
            peer.answer_next(frame_id, result, items[args[0]])
        else:
            raise Wrong(f"{name} of the next")
    peer.on_next = on_next
    first = peer.call("calls.open", "one")
    same(first, 1 << 40, "a handle of the next provider")
    second = peer.call("calls.open", "two")
    same(peer.call("calls.label", first), "<one>")
    same(peer.call("calls.label", second), "<two>")
    same(peer.drops, gone, "what was dropped")
    peer.call("calls.forget", "three")
    peer.ping(1)
    same([d[2] for d in peer.drops], [(1 << 40) + 4], "what forget drops")
    interface = next(i for i, s in enumerate(peer.welcome["interfaces"]) if s["name"].endswith("/calls"))
    same(peer.drops[0][:2], [interface, 0], "interface and resource of DROP")


# --- handles

def make(peer, name):
    handle = peer.call("things.[static]thing.make", name)
    if handle % 2 == 0 or not 0 < handle <= ODD_MOST:
        raise Wrong(f"handle {handle}: a sidecar's are odd")
    return handle


def resource(peer, name):
    for i, interface in enumerate(peer.welcome["interfaces"]):
        if name in interface["resources"] and interface["name"].endswith("/things"):
            return i, interface["resources"].index(name)
    raise Wrong(f"no resource {name}")


def drop(peer, handle, name="thing"):
    peer.send("DROP", 0, [*resource(peer, name), handle])


def live(peer, expected):
    same(peer.call("things.live"), expected, "objects that live")


def handles(peer):
    a, b = make(peer, "a"), make(peer, "b\u00e9")
    if a == b:
        raise Wrong("two things have one handle")
    same(peer.call("things.[method]thing.name", a), "a")
    same(peer.call("things.[method]thing.name", b), "b\u00e9")
    same(peer.call("things.names", b, a), "b\u00e9+a")
    same(peer.call("things.names", a, a), "a+a")
    live(peer, 2)
    drop(peer, a)
    live(peer, 1)
    same(peer.call("things.take", b), "b\u00e9")
    live(peer, 0)


def handle_twice(peer):
    a = make(peer, "a")
    b = peer.call("things.again", a)
    if a == b:
        raise Wrong("one object that was returned twice has one number")
    live(peer, 1)
    drop(peer, a)
    same(peer.call("things.[method]thing.name", b), "a")
    drop(peer, b)
    live(peer, 0)


def many_handles(peer):
    found = peer.call("things.make-many", 1000)
    same((len(found), len(set(found))), (1000, 1000), "handles of a thousand things")
    same(peer.call("things.[method]thing.name", found[500]), "500")
    live(peer, 1000)
    for handle in found:
        drop(peer, handle)
    live(peer, 0)


def no_handles(peer):
    a, other = make(peer, "a"), peer.call("things.make-other")
    dropped = make(peer, "b")
    drop(peer, dropped)
    for what, handle in (("that was never given", a + 1000000), ("of the host's", 2), ("that was dropped", dropped),
                         ("of another resource", other if other != a else a + 2000000)):
        fault = peer.fault("things.[method]thing.name", handle)
        if not fault.messages:
            raise Wrong(f"a handle {what}: FAULT without a message")
        peer.fault("things.take", handle)
    peer.fault("things.names", a, dropped)
    same(peer.call("things.[method]thing.name", a), "a", "a handle that was fine, after it")
    live(peer, 2)
    for raw in ("00", "80 80 80 80 80 80 80 10"):
        same(peer.fault("things.take", raw=bytes.fromhex(raw)).code, "invalid", f"the handle {raw}")


def taken(peer):
    a = make(peer, "a")
    same(peer.call("things.take", a), "a")
    peer.fault("things.[method]thing.name", a)
    peer.fault("things.take", a)
    b = make(peer, "b")
    peer.fault("things.take-and-fail", b)
    live(peer, 0)
    peer.fault("things.[method]thing.name", b)


def not_again_soon(peer):
    a = make(peer, "a")
    drop(peer, a)
    for _ in range(100):
        b = make(peer, "b")
        if b == a:
            raise Wrong(f"the number {a} was given again at once")
        drop(peer, b)


CHECKS = [
    ("calls: who calls, one caller and the other", who),
    ("calls: a caller goes, its number is given again", caller_gone),
    ("calls: FAULT says code, messages and hint", faults),
    ("calls: LOG", log),
    ("calls: what is printed to stdout comes on stderr", printed),
    ("calls: ids, used again", ids),
    ("calls: each is answered once", once_each),
    ("calls: a function that is not listed", unknown_function),
    ("calls: 2,000, as many at a time as it bears", pipelined),
    ("calls: eight at once, answered in any order", at_once),
    ("cancel: each reason reaches a function", cancelled),
    ("cancel: three times, and what was answered already", cancelled_late),
    ("cancel: one of several", cancel_one_of_many),
    ("cancel: while it waits for the next", cancelled_in_next),
    ("health: PONG", ping),
    ("health: PONG while a function runs", ping_meanwhile),
    ("next: answers of the chain", asks_next),
    ("next: FAULT of the chain", next_fails),
    ("next: six at once, answered in another order", nexts_at_once),
    ("next: a call meanwhile", called_in_next),
    ("next: handles of the next provider", foreign_handles),
    ("handles: made, lent, dropped, taken", handles),
    ("handles: one object under two numbers", handle_twice),
    ("handles: a thousand", many_handles),
    ("handles: numbers that are none", no_handles),
    ("handles: what was taken back is gone", taken),
    ("handles: a number is not given again at once", not_again_soon),
]
