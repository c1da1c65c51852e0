"""Checks of what is large: messages in pieces, credit, shared memory."""

import select
import time

from peer import LARGE, LEAST_CREDIT, Wrong
from talk import needs, same
from values import digest, filled, letters
from wire import SHARED, leb

MIB = 1 << 20


def pieces_in(peer):
    """Arguments cut anywhere, into frames of no bytes too; other calls in between."""
    data = filled(70000)
    for size in (1, 7, 4096, 65537, MIB):
        n = 3000 if size < 100 else 70000
        same(peer.call("values.digest", data[:n], pieces=size), digest(data[:n]), f"in pieces of {size}")


def pieces_mixed(peer):
    """The pieces of two calls, other messages between them."""
    peer.caller()
    data, head, pings = bytes(filled(200000)), {}, 0
    names = {2: "values.digest", 4: "values.echo-bytes"}
    if peer.welcome["calls"] == 1:
        del names[4]
    for call_id, name in names.items():
        i, k, _, result = peer.rows[name]
        peer.open[call_id] = (name, result)
        head[call_id] = b"".join(map(leb, (1, i, k, 0, 0, len(data)))) + data
    for at in range(0, len(head[2]), 30000):
        for call_id, payload in head.items():
            peer.send("CALL", call_id, payload[at:at + 30000], MIB, more=at + 30000 < len(payload))
        pings += 1
        peer.send("PING", 99)
    same(peer.answer(2), digest(data))
    if 4 in names:
        same(bytes(peer.answer(4)), data)
    until = time.monotonic() + peer.patience
    while sum(m[0] == "PONG" for m in peer.messages) < pings:
        peer.pump(until, "PONG")
    peer.messages.clear()


def large_both_ways(peer):
    data = filled(3 * MIB)
    if bytes(peer.call("values.echo-bytes", data)) != bytes(data):
        raise Wrong("3 MiB came back otherwise")
    same(peer.call("values.fill-text", 5 * MIB), letters(5 * MIB))


def credit_is_kept(peer):
    """The sidecar has sent all that it may, and goes on when it may again."""
    call_id = peer.begin("values.fill", 5 * MIB)
    peer.use_credit_up()
    if select.select([peer.process.stdout], [], [], 0.3)[0] and peer.in_flight == peer.given_credit:
        raise Wrong("it goes on without credit")
    peer.give_back = True
    peer.return_credit()
    if bytes(peer.answer(call_id)) != bytes(filled(5 * MIB)):
        raise Wrong("other bytes behind the pause")


def credit_in_drops(peer):
    """CREDIT for 64 KiB, each time that it has stopped."""
    peer.give_back = False
    call_id = peer.begin("values.fill", 3 * MIB)
    until, data, more = time.monotonic() + 2 * peer.patience, bytearray(), True
    while more:
        if not select.select([peer.process.stdout], [], [], 0.02)[0] and len(peer.incoming) < 12:
            n = min(65536, peer.in_flight)
            if not n and not select.select([peer.process.stdout], [], [], peer.patience)[0]:
                raise Wrong("it does not go on, with all its credit")
            if not n:
                continue
            peer.in_flight -= n
            peer.send("CREDIT", 0, n)
            continue
        name, frame_id, payload, more = peer.frame(until, "3 MiB")
        if name == "CREDIT":
            peer.see_to(name, frame_id, payload)
            more = True
            continue
        same((name, frame_id), ("RESULT", call_id))
        data += payload
    if bytes(peer.take(call_id, "RESULT", bytes(data))) != bytes(filled(3 * MIB)):
        raise Wrong("other bytes")


def credit_comes_back(peer):
    """Far more than its credit goes in, call by call and at once."""
    if not LEAST_CREDIT <= peer.welcome["credit"] <= 64 * MIB:
        raise Wrong(f"credit for {peer.welcome['credit']} bytes")
    data = filled(700000)
    expected, spent = digest(data), 0
    while spent < 2 * peer.welcome["credit"] + MIB and spent < 40 * MIB:
        same(peer.call("values.digest", data), expected)
        spent += len(data)
    # It gives back at the latest what is half of its credit, without being asked.
    until = time.monotonic() + peer.patience
    while peer.spent >= peer.welcome["credit"] // 2:
        peer.pump(until, "CREDIT for half of it")


def one_large(peer):
    """A message of more than its credit."""
    n = peer.welcome["credit"] + 2 * MIB
    if n > 24 * MIB:
        n = 3 * MIB
    data = bytes(range(256)) * (n // 256)
    same(peer.call("values.sum", list(range(64)) * 1000), sum(range(64)) * 1000)
    if bytes(peer.call("values.echo-bytes", data)) != data:
        raise Wrong("other bytes came back")


def next_is_large(peer):
    """The answer of a NEXT of more than its credit: it gives back while its function waits."""
    n = min(peer.welcome["credit"] + MIB, 12 * MIB)
    text = letters(n)

    def on_next(frame_id, call_id, name, args, result):
        peer.answer_next(frame_id, result, 2 if name == "calls.open" else text)
    peer.on_next = on_next
    item = peer.call("calls.open", "x")
    if peer.call("calls.label", item) != f"<{text}>":
        raise Wrong("another label")


# --- shared memory

def shared_arguments(peer):
    needs(peer, "shared-memory")
    for n in (LARGE, LARGE + 1, MIB, 3 * MIB):
        data = filled(n)
        same(peer.call("values.digest", data, share=True), digest(data), f"{n} bytes by reference")
    text = letters(100000)
    same(peer.call("values.reverse", text, share=True), text[::-1])
    both = [filled(100000), [1], filled(70000)]
    same(peer.call("values.echo-lists", both, share=True), both)
    same(peer.call("values.echo-strings", ["a", text], share=True), ["a", text])


def shared_results(peer):
    needs(peer, "shared-memory")
    used = 0
    for n in (LARGE, MIB, 3 * MIB, 100000):
        call_id = peer.begin("values.fill", n)
        if bytes(peer.answer(call_id)) != bytes(filled(n)):
            raise Wrong(f"other bytes of {n}")
        used += call_id in peer.held
        if call_id in peer.held:
            peer.release(call_id)
    if not used:
        raise Wrong("nothing that is large came through the shared memory")


def shared_until_released(peer):
    """What was not released is not written over; without room a result comes as a message."""
    needs(peer, "shared-memory")
    held, texts, by_message = [], {}, 0
    for i in range(12):
        call_id = peer.begin("values.fill", 900000 + i)
        value = bytes(peer.answer(call_id))
        if value != bytes(filled(900000 + i)):
            raise Wrong("other bytes")
        if call_id not in peer.held:
            by_message += 1
            continue
        for offset, length in peer.held[call_id]:
            if any(offset < o + n and o < offset + length for o, n in held):
                raise Wrong("room that was not released is given out again")
            held.append((offset, length))
            texts[call_id] = (offset, length, value)
    if sum(n for _, n in held) + 900000 < peer.shared_size // 2 and by_message:
        raise Wrong("there was room left")
    for offset, length, value in texts.values():
        if peer.fetch(offset, length) != value:
            raise Wrong("what was not released has changed")
    for call_id in list(texts):
        peer.release(call_id)
    call_id = peer.begin("values.fill", 3 * MIB)
    peer.answer(call_id)
    if call_id not in peer.held:
        raise Wrong("what was released is not used again")


def shared_again_and_again(peer):
    needs(peer, "shared-memory")
    for i in range(60):
        call_id = peer.begin("values.fill", MIB)
        peer.answer(call_id)
        if call_id not in peer.held:
            raise Wrong(f"result {i} found no room")
        peer.release(call_id)
    peer.send("RELEASE", 4000)  # of nothing


def shared_wrong(peer):
    needs(peer, "shared-memory")
    half = peer.shared_size // 2
    for what, offset, length in (("in the other half", half, LARGE), ("across the middle", half - 1, 2),
                                 ("behind the end", peer.shared_size, 1), ("of 4 GiB", 16, 0xffffffff),
                                 ("at 4 GiB", 0xffffffff, 0xffffffff)):
        fault = peer.fault("values.digest", raw=leb(SHARED) + leb(offset) + leb(length))
        same(fault.code, "invalid", f"a reference {what}")
    peer.share(b"\xff" * LARGE)
    fault = peer.fault("values.echo-string", raw=leb(SHARED) + leb(0) + leb(LARGE))
    same(fault.code, "invalid", "text by reference that is not UTF-8")
    same(peer.call("values.echo-u8", 1), 1)


def shared_next(peer):
    """The answer of a NEXT by reference: RELEASE comes for it."""
    needs(peer, "shared-memory")
    text, ids = letters(200000), []

    def on_next(frame_id, call_id, name, args, result):
        ids.append(frame_id)
        peer.answer_next(frame_id, result, 2 if name == "calls.open" else text, share=True)
    peer.on_next = on_next
    item = peer.call("calls.open", "x")
    for _ in range(5):
        same(peer.call("calls.label", item), f"<{text}>")
    until = time.monotonic() + peer.patience
    while len(peer.released) < 5 and time.monotonic() < until:
        peer.ping(1)  # RELEASE may come behind the answer of the call
        time.sleep(0.01)
    same(sorted(peer.released), sorted(ids[1:]), "the NEXTs whose answers were released")  # threads: in any order


def not_shared(peer):
    """Without the capability no reference is sent, and none is taken."""
    same(peer.call("values.fill", 300000), filled(300000))
    fault = peer.fault("values.digest", raw=leb(SHARED) + leb(0) + leb(LARGE))
    same(fault.code, "invalid")


# name, check, options of the Sidecar
CHECKS = [
    ("messages: in pieces of any size", pieces_in, {"wanted": ["cancel"]}),
    ("messages: pieces of two, and others between", pieces_mixed, {"wanted": ["cancel"]}),
    ("messages: megabytes both ways", large_both_ways, {"wanted": ["cancel"]}),
    ("messages: one of more than its credit", one_large, {"wanted": ["cancel"], "patience": 20}),
    ("credit: it waits for it", credit_is_kept, {"wanted": ["cancel"], "credit": LEAST_CREDIT}),
    ("credit: a little at a time", credit_in_drops, {"wanted": ["cancel"], "credit": LEAST_CREDIT}),
    ("credit: it gives back what it read", credit_comes_back, {"wanted": ["cancel"], "patience": 20}),
    ("credit: it gives back while a function waits", next_is_large, {"wanted": ["cancel"], "patience": 20}),
    ("shared memory: arguments", shared_arguments, {}),
    ("shared memory: results", shared_results, {}),
    ("shared memory: kept until it is released", shared_until_released, {}),
    ("shared memory: used again and again", shared_again_and_again, {}),
    ("shared memory: references that are none", shared_wrong, {}),
    ("shared memory: the answer of a NEXT", shared_next, {}),
    ("shared memory: where it was not agreed", not_shared, {"wanted": []}),
]
