"""Checks of save and restore: of states and of objects, from one process into another."""

import select
import time

import wire
from peer import FRAMES, LEAST_CREDIT, MOST_OBJECT, Ended, Fault, Wrong, pack
from talk import Skip, drop, live, make, needs, resource, same

MIB = 1 << 20
STATE = wire.parse_type("record{total:u64,notes:list<string>}")
TEXT = wire.parse_type("string")


def state_of(total, notes):
    return wire.encode(STATE, {"total": total, "notes": notes})


def text_of(name):
    return wire.encode(TEXT, name)


class Running:
    """A sidecar for the time of a check, which has to be well after it."""

    def __init__(self, new, *capabilities, **options):
        self.peer = new(**options)
        self.capabilities = capabilities

    def __enter__(self):
        self.peer.__enter__()
        try:
            self.peer.start()
            needs(self.peer, "state", *self.capabilities)
        except BaseException:
            self.peer.__exit__(Wrong)
            raise
        self.peer.at = self.peer.rows["state.add"][0]
        return self.peer

    def __exit__(self, kind, *rest):
        self.peer.__exit__(kind, *rest)
        if kind is None and self.peer.messages:
            raise Wrong(f"{self.peer.messages[0][:2]}, which nobody waits for")


def refuses(code, peer, name, value, states=()):
    try:
        peer.ask(name, value, states)
    except Fault as fault:
        same(fault.code, code, f"FAULT of {name} {value}")
        return
    raise Wrong(f"{name} {value} was answered with RESULT")


def holds(peer, total, notes):
    same(peer.call("state.add", 0), total, "the total")
    same(peer.call("state.notes"), notes, "the notes")


# --- quiet

def quiesced(new):
    with Running(new) as peer:
        same(peer.call("state.add", 5), 5)
        for _ in range(3):
            peer.ask("QUIESCE")
            peer.send("RESUME")
            peer.call("state.add", 1)
        peer.send("RESUME")  # though it is not quiet
        same(peer.call("state.add", 2), 10)


def quiet_and_gone(new):
    """The end of one that was swapped out: handles are dropped, then stdin is closed."""
    with Running(new) as peer:
        a = make(peer, "a")
        peer.ask("QUIESCE")
        peer.ask("SAVE", [peer.at, "whole"])
        drop(peer, a)
        peer.send("CALLER-GONE", 1)
        peer.ping(1)
        same(peer.close(), 0, "its status")


def finishes_first(new):
    """QUIESCE is answered when the calls under way are: the host has given one up, say."""
    with Running(new, "cancel") as peer:
        call_id = peer.begin("calls.wait", 300)
        peer.ping(1)
        step = peer.step("QUIESCE")
        same(peer.any_answer(), call_id, "what is answered first")
        peer.answer(call_id)
        peer.step_answer(step)


def sends_first(new):
    """The same where the function is over, and its answer waits for credit."""
    with Running(new, wanted=["cancel", "state"], credit=LEAST_CREDIT) as peer:
        call_id = peer.begin("values.fill", 2 * LEAST_CREDIT)
        peer.use_credit_up()
        step = peer.step("QUIESCE")
        select.select([peer.process.stdout], [], [], 0.3)  # one that does not wait answers now
        peer.give_back = True
        peer.return_credit()
        same(peer.any_answer(), call_id, "what is answered first")
        peer.answer(call_id)
        peer.step_answer(step)


# --- save

def saved(new):
    with Running(new) as peer:
        same(peer.ask("SAVE", [peer.at, "whole"]), state_of(0, []), "the state of nothing")
        peer.call("state.add", 1 << 60)
        peer.call("state.note", "one \u00e9")
        peer.call("state.note", "")
        peer.ask("QUIESCE")
        for _ in range(2):
            same(peer.ask("SAVE", [peer.at, "whole"]), state_of(1 << 60, ["one \u00e9", ""]), "what SAVE sends")
        peer.send("RESUME")
        same(peer.call("state.add", 1), (1 << 60) + 1)


def saved_nothing(new):
    """An interface that holds nothing: a single empty STATE."""
    with Running(new) as peer:
        for name in ("values.echo-u8", "calls.who", "things.live"):
            same(peer.ask("SAVE", [peer.rows[name][0], "whole"]), b"", f"the state of {name}")


def large(peer, text="n" * 1000000):
    for _ in range(9):
        peer.call("state.note", text)
    return [text] * 9


def saved_large(new):
    with Running(new, credit=LEAST_CREDIT) as peer:
        notes = large(peer)
        peer.ask("QUIESCE")
        if peer.ask("SAVE", [peer.at, "whole"]) != state_of(0, notes):
            raise Wrong("another state")


def stalls(peer, step):
    """Takes what comes of a state until nothing comes any more, and gives nothing back."""
    peer.give_back = False
    until = time.monotonic() + peer.patience
    while peer.in_flight < peer.given_credit // 2 - 4096:
        peer.pump(until, "as much of a state as there is credit for")
    while select.select([peer.process.stdout], [], [], 0.3)[0]:
        peer.pump(until, "the rest of it")  # hear_state says whether that is too much
    if peer.answered(step):
        raise Wrong("it goes on without credit")


def goes_on(peer):
    peer.give_back = True
    peer.return_credit()


def save_waits(new):
    with Running(new, credit=LEAST_CREDIT) as peer:
        notes = large(peer)
        peer.ask("QUIESCE")
        step = peer.step("SAVE", [peer.at, "whole"])
        stalls(peer, step)
        goes_on(peer)
        if peer.step_answer(step) != state_of(0, notes):
            raise Wrong("another state behind the pause")


def saved_to_the_late(new):
    """Who has read less than half gives nothing back: pieces are as short as it takes to get there."""
    for before in (1, 500, 62000, 65000):
        with Running(new, credit=LEAST_CREDIT) as peer:
            notes = large(peer, "n" * 300000)
            peer.return_credit()
            peer.late = True
            peer.call("values.echo-string", "b" * before)
            peer.ask("QUIESCE")
            if peer.ask("SAVE", [peer.at, "whole"]) != state_of(0, notes):
                raise Wrong("another state")


def save_given_up(new):
    """It may end it with FAULT, or send it to its end; then it serves on."""
    with Running(new, "cancel", credit=LEAST_CREDIT) as peer:
        large(peer)
        peer.ask("QUIESCE")
        step = peer.step("SAVE", [peer.at, "whole"])
        stalls(peer, step)
        peer.send("CANCEL", step, ["stopped", 0])
        peer.send("RESUME")
        goes_on(peer)
        call_id = peer.begin("state.add", 3)
        try:
            peer.step_answer(step)
        except Fault:
            pass
        same(peer.answer(call_id), 3, "a call behind it")
        peer.kept.clear()
        peer.ask("QUIESCE")


# --- restore

def restored(new):
    text = "r" * 100000
    state = state_of(7, ["a", text, "c"])
    for size in (70001, 1000, len(state)):
        with Running(new) as peer:
            pieces = [state[i:i + size] for i in range(0, len(state), size)]
            peer.ask("RESTORE", [peer.at, "whole"], [b"", *pieces, b""] if size < 70000 else pieces)
            holds(peer, 7, ["a", text, "c"])


def restored_large(new):
    """More than its credit: it gives back what it has used."""
    with Running(new, patience=20) as peer:
        n = min(peer.welcome["credit"] + 2 * MIB, 20 * MIB) // 1000000 + 1
        notes = [chr(97 + i) * 1000000 for i in range(n)]
        peer.ask("RESTORE", [peer.at, "whole"], [state_of(1 << 40, notes)])
        same(peer.call("state.add", 1), (1 << 40) + 1)
        step = peer.step("SAVE", [peer.at, "whole"])
        if peer.step_answer(step) != state_of((1 << 40) + 1, notes):
            raise Wrong("another state than was restored")


def not_restored(new):
    with Running(new) as peer:
        peer.call("state.add", 3)
        peer.call("state.note", "kept")
        for states in ([state_of(9, ["a"])[:-1]], [state_of(9, []) + b"x"], [b"\x01\x01\x01\xff"], [b""],
                       [b"\xff" * 11], [state_of(9, ["b"]), b"", b"more"]):
            refuses("invalid", peer, "RESTORE", [peer.at, "whole"], states)
        holds(peer, 3, ["kept"])
        refuses("invalid", peer, "RESTORE", [peer.rows["things.live"][0], "whole"], [b"x"])
        peer.ask("RESTORE", [peer.at, "whole"], [state_of(1, ["new"])])
        holds(peer, 1, ["new"])


def cut(new):
    """The host goes in the middle of a state: it ends, and does not wait for the rest."""
    for state in (b"", state_of(5, ["a"])[:-1], state_of(5, ["a"])):
        with new() as peer:
            peer.start()
            needs(peer, "state")
            step = peer.step("RESTORE", [peer.rows["state.add"][0], "whole"])
            peer.send("STATE", step, state, more=True)
            peer.process.stdin.close()
            peer.ends()
            if "took over" in peer.said():
                raise Wrong("it took over what did not come to its end")


def late_state(new):
    """What is on its way when FAULT was sent is thrown away, and its credit given back."""
    with Running(new, patience=20) as peer:
        for _ in range(2 + peer.welcome["credit"] // MIB):
            step = peer.step("RESTORE", [250, "whole"])
            peer.send("STATE", step, bytes(MIB), more=True)  # as far as there is credit
            try:
                peer.step_answer(step)
            except Fault as fault:
                same(fault.code, "invalid")
            else:
                raise Wrong("RESULT for an interface that is not there")
            peer.kept.clear()
        same(peer.call("state.add", 1), 1)
        until = time.monotonic() + peer.patience
        while peer.spent >= peer.welcome["credit"] // 2:
            peer.pump(until, "CREDIT for a state that was thrown away")


# --- copies

def copied(new):
    with Running(new, "state-copy", credit=LEAST_CREDIT) as old, Running(new, "state-copy") as fresh:
        notes = large(old, "c" * 700000)
        old.call("state.add", 5)
        step = old.step("SAVE", [old.at, "copy"])
        stalls(old, step)
        for i in range(50):  # half of the credit is theirs
            same(old.call("state.add", 1), 6 + i, "a call beside the copy")
        old.call("state.note", "late \u00e9")
        goes_on(old)
        copy = old.step_answer(step)
        if copy != state_of(5, notes):
            raise Wrong("the copy is not what was there when it began")
        fresh.ask("RESTORE", [fresh.at, "copy"], [copy])
        old.call("state.note", "later")
        old.ask("QUIESCE")
        rest = old.ask("SAVE", [old.at, "rest"])
        same(rest, state_of(55, ["late \u00e9", "later"]), "the rest")
        fresh.ask("RESTORE", [fresh.at, "rest"], [rest])
        same(fresh.call("state.add", 0), 55, "the total")
        step = fresh.step("SAVE", [fresh.at, "whole"])
        if fresh.step_answer(step) != state_of(55, [*notes, "late \u00e9", "later"]):
            raise Wrong("copy and rest are not the whole")


def copied_again(new):
    """A swap that failed, and another one."""
    with Running(new, "state-copy") as peer:
        peer.call("state.note", "a")
        same(peer.ask("SAVE", [peer.at, "copy"]), state_of(0, ["a"]))
        peer.send("RESUME")
        peer.call("state.note", "b")
        same(peer.ask("SAVE", [peer.at, "copy"]), state_of(0, ["a", "b"]))
        peer.ask("QUIESCE")
        same(peer.ask("SAVE", [peer.at, "rest"]), state_of(0, []), "the rest of a copy that nothing followed")
        peer.send("RESUME")
        peer.ask("QUIESCE")
        same(peer.ask("SAVE", [peer.at, "whole"]), state_of(0, ["a", "b"]))


def copy_alone(new):
    with Running(new, "state-copy") as peer:
        peer.ask("RESTORE", [peer.at, "copy"], [state_of(9, ["a"])])
        holds(peer, 0, [])
        refuses("invalid", peer, "RESTORE", [peer.at, "rest"], [b"\x01"])
    with Running(new, "state-copy") as peer:
        refuses("invalid", peer, "RESTORE", [peer.at, "rest"], [state_of(9, ["a"])])
        holds(peer, 0, [])


# --- objects

def moved(new):
    with Running(new) as old, Running(new) as fresh:
        at = list(resource(old, "thing"))
        names = ["a", "b \u00e9", "", "x" * (MOST_OBJECT - 3)]
        things = [make(old, name) for name in names]
        old.ask("QUIESCE")
        states = [old.ask("SAVE-OBJECT", [*at, handle]) for handle in things]
        same(states, [text_of(name) for name in names], "the states of objects")
        for handle in things:
            drop(old, handle)
        old.ping(1)
        found = [fresh.ask("RESTORE-OBJECT", at, [state]) for state in states]
        if len(set(found)) < len(found) or any(h % 2 == 0 or h >= 1 << 53 for h in found):
            raise Wrong(f"the handles {found}")
        live(fresh, len(names))
        same([fresh.call("things.[method]thing.name", h) for h in found], names, "the names of what was moved")
        if make(fresh, "another") in found:
            raise Wrong("the number of an object that was moved is given again")
        same(fresh.call("things.take", found[0]), "a")
        for handle in found[1:]:
            drop(fresh, handle)
        live(fresh, 1)
        old.send("RESUME")
        live(old, 0)


def stays(new):
    """An object that was saved is still held; and may be saved again."""
    with Running(new) as peer:
        at, a = list(resource(peer, "thing")), make(peer, "a")
        for _ in range(3):
            same(peer.ask("SAVE-OBJECT", [*at, a]), text_of("a"))
        peer.send("RESUME")
        same(peer.call("things.[method]thing.name", a), "a")
        live(peer, 1)


def not_moved(new):
    with Running(new) as peer:
        at, other_at = list(resource(peer, "thing")), list(resource(peer, "other"))
        a, other = make(peer, "a"), peer.call("things.make-other")
        gone, long = make(peer, "b"), make(peer, "l" * MOST_OBJECT)
        drop(peer, gone)
        for handle in (a + 1000000, gone, 2):
            refuses("invalid", peer, "SAVE-OBJECT", [*at, handle])
        for names in ([at[0], 77], [99, 0], [peer.at, 0]):
            refuses("invalid", peer, "SAVE-OBJECT", [*names, a])
            refuses("invalid", peer, "RESTORE-OBJECT", names, [text_of("x")])
        refuses("unavailable", peer, "SAVE-OBJECT", [*other_at, other])
        refuses("unavailable", peer, "RESTORE-OBJECT", other_at, [b""])
        refuses("limit", peer, "SAVE-OBJECT", [*at, long])
        for state in (b"", b"\x05ab", text_of("a") + b"x", b"\x01\xff"):
            refuses("invalid", peer, "RESTORE-OBJECT", at, [state])
        peer.send("RESUME")
        live(peer, 3)
        same(peer.call("things.[method]thing.name", a), "a")


def many_moved(new):
    """More than its credit, and more than is given it, in small pieces."""
    with Running(new, credit=LEAST_CREDIT, patience=20) as old, Running(new, patience=20) as fresh:
        at, total, i = list(resource(old, "thing")), max(fresh.welcome["credit"], LEAST_CREDIT) + MIB, 0
        while total > 0:
            name = f"{i}:" + "y" * 60000
            a = make(old, name)
            state = old.ask("SAVE-OBJECT", [*at, a])
            handle = fresh.ask("RESTORE-OBJECT", at, [state])
            if i % 40 == 0:
                same(fresh.call("things.[method]thing.name", handle), name)
            drop(old, a)
            drop(fresh, handle)
            total, i = total - len(state), i + 1
        live(old, 0)
        live(fresh, 0)


# --- what it refuses

def nothing_there(new):
    with Running(new) as peer:
        refuses("invalid", peer, "SAVE", [200, "whole"])
        refuses("invalid", peer, "RESTORE", [200, "whole"], [state_of(1, [])])
        peer.send("RESUME")
        same(peer.call("state.add", 1), 1)


def header(number, payload=b"", flags=0, frame_id=0):
    return wire.HEADER.pack(len(payload), number, flags, wire.MAGIC, frame_id) + payload


def frame(name, frame_id, value=None, flags=0):
    return header(FRAMES[name][0], pack(name, value), flags, frame_id)


def ends_at(new, bytes_of, **options):
    with new(**options) as peer:
        peer.start()
        if "state" not in peer.welcome["capabilities"]:
            raise Skip("it does not offer state")
        peer.at = peer.rows["state.add"][0]
        try:
            peer.write(bytes_of(peer))
            peer.process.stdout.read(1)
        except Ended:
            pass
        if peer.ends() == 0 or not peer.said():
            raise Wrong("it ends as if all were well")


REFUSED = [
    ("a step while another one is under way",
     lambda p: frame("RESTORE", 2, [p.at, "whole"]) + frame("QUIESCE", 4), {}),
    ("a pass that is none", lambda p: header(0x32, wire.leb(p.at) + b"\x03", 0, 2), {}),
    ("a SAVE with an odd id", lambda p: frame("SAVE", 3, [p.at, "whole"]), {}),
    ("bytes behind a SAVE", lambda p: header(0x32, wire.leb(p.at) + b"\x00\x00", 0, 2), {}),
    ("the state of an object in pieces",
     lambda p: frame("RESTORE-OBJECT", 2, resource(p, "thing")) + header(0x34, b"\x01", 1, 2), {}),
    ("the state of an object of 64 KiB and a byte",
     lambda p: frame("RESTORE-OBJECT", 2, resource(p, "thing")) + header(0x34, bytes(MOST_OBJECT + 1), 0, 2), {}),
    ("QUIESCE, where it was not agreed", lambda p: frame("QUIESCE", 2), {"wanted": ["cancel"]}),
]


def checks():
    yield "state: quiesce and resume", quiesced
    yield "state: quiesce, and calls under way", finishes_first
    yield "state: quiesce, and an answer that waits for credit", sends_first
    yield "state: swapped out, and gone", quiet_and_gone
    yield "state: save", saved
    yield "state: save of what holds nothing", saved_nothing
    yield "state: save of 9 MB, with credit for 2", saved_large
    yield "state: save waits for credit, at half of it", save_waits
    yield "state: save goes on where credit comes at half of it", saved_to_the_late
    yield "state: a save that is given up", save_given_up
    yield "state: restore, in pieces", restored
    yield "state: restore of more than its credit", restored_large
    yield "state: what is no state changes nothing", not_restored
    yield "state: a state that is cut", cut
    yield "state: what comes behind FAULT", late_state
    yield "state: an interface that is not there", nothing_there
    yield "state: copy beside calls, and rest, into another process", copied
    yield "state: copy, given up and again", copied_again
    yield "state: copy without rest, rest without copy", copy_alone
    yield "state: objects, into another process", moved
    yield "state: an object that was saved stays", stays
    yield "state: objects that cannot be moved", not_moved
    yield "state: many objects, more than the credit", many_moved
    for what, bytes_of, options in REFUSED:
        yield f"refused: {what}", lambda new, b=bytes_of, o=options: ends_at(new, b, **o)
