#!/usr/bin/env python3
"""What wit/storage/state.wit promises, of a store that is a sidecar: its state handed over by the protocol.

    state_test.py [--only TEXT] -- COMMAND...

Two processes with a file of their own each, and this script between them, as the host is. States are
also read and written here, by the codec of sidecar/conformance. Last line: `N passed, N failed`.
"""

import argparse
import os
import random
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path

from promises_test import ALWAYS, Store, put, refused, same
import peer
import wire
from peer import Fault, Wrong, short

MIB = 1 << 20
ITEM = wire.parse_type("variant{header(record{format:u32,writer:string,pass:enum{whole,copy,rest},home:option<string>}),"
                       "bucket(record{identity:string,name:string}),"
                       "stored(record{key:list<u8>,value:list<u8>,version:string}),removed(list<u8>),end(u32)}")
OBJECT = wire.parse_type("record{name:string}")


# --- steps of a swap

def quiesce(store):
    store.peer.ask("QUIESCE")


def save(store, how="whole"):
    return store.peer.ask("SAVE", [0, how])


def restore(store, state, how="whole", pieces=200_000):
    store.peer.ask("RESTORE", [0, how], [*(state[at:at + pieces] for at in range(0, len(state), pieces)), b""])


def not_restored(store, state, code="invalid", how="whole"):
    """The FAULT. What is there is as it was."""
    before = contents(save(store))
    try:
        restore(store, state, how)
    except Fault as fault:
        same(fault.code, code, str(fault))
        same(contents(save(store)), before, "what is there")
        return fault
    raise Wrong(f"it took over a state of {len(state)} bytes")


# --- states

def items(state):
    reader, found = wire.Reader(state), []
    while reader.at < len(state):
        (case, value), = reader.value(ITEM).items()
        found.append((case, value))
    return found


def written(*found):
    return b"".join(wire.encode(ITEM, {case: value}) for case, value in found)


def header(how="whole", home=None, format=1, writer="test"):
    return "header", {"format": format, "writer": writer, "pass": how, "home": home and {"some": home}}


def bucket(name="notes", identity="a"):
    return "bucket", {"identity": identity, "name": name}


def stored(key, value=b"v", version="1"):
    return "stored", {"key": key, "value": value, "version": version}


def contents(state):
    """(identity, bucket, key) -> (value, version), None for what was removed; checks what holds of any state."""
    found, at, last, rows = {}, None, None, items(state)
    same((rows[0][0], rows[0][1]["format"], rows[-1][0]), ("header", 1, "end"))
    for case, value in rows[1:-1]:
        if case == "bucket":
            before, at, last = at, (value["identity"].encode(), value["name"].encode()), None
            if before and before >= at:
                raise Wrong(f"{at} behind {before}")
            continue
        key = bytes(value if case == "removed" else value["key"])
        if last is not None and last >= key:
            raise Wrong(f"{key} behind {last}")
        last = key
        found[(at[0].decode(), at[1].decode(), key)] = \
            None if case == "removed" else (bytes(value["value"]), value["version"])
    same(rows[-1][1], len(found), "the count")
    return found


def filled(store, keys=300):
    """Several identities and buckets, any bytes, values of all sizes; what is there."""
    draw, model = random.Random(keys), {}
    for who in ("a", "\uffee", "\U0001f600"):  # their order in UTF-8 and in UTF-16 differ
        store.who(who)
        for name in ("notes", "-", "z.z"):
            rows = {draw.randbytes(draw.randrange(3, 40)): draw.randbytes(draw.choice((0, 5, 300, 20000)))
                    for _ in range(keys // 9)}
            applied = store.on("apply", [{"key": k, "condition": ALWAYS, "change": put(v)} for k, v in rows.items()],
                               bucket=name)["applied"]
            model |= {(who, name, key): (rows[key], version["some"]) for key, version in zip(rows, applied)}
        store.delete(key := next(iter(rows)), name)
        del model[who, name, key]
    return model


# --- what is promised: of two stores, one of them empty

def all_is_handed_over(old, new):
    model = filled(old)
    quiesce(old)
    state = save(old)
    same(contents(state), model)
    restore(new, state)
    same(contents(save(new)), model)
    for who, name, key in list(model)[::7]:
        new.who(who)
        same(new.get(key, name), model[who, name, key])
    new.reopen()
    same(contents(save(new)), model, "after a new start")


def a_state_may_be_cut_anywhere(old, new):
    small = written(header(), bucket(), stored(b"k"), stored(b"l", b"v" * 300), ("end", 2))
    filled(old, 60)
    for state, size in ((small, 1), (small, 2), (save(old), 97), (save(old), 65536)):
        restore(new, state, pieces=size)
        same(contents(save(new)), contents(state))
        new.forget()


def nothing_is_a_state_too(old, new):
    same(items(save(old))[1:], [("end", 0)])
    restore(new, save(old))
    new.set(b"k", b"v")
    same(new.value(b"k"), b"v")


def versions_are_kept_and_never_given_again(old, new):
    foreign = "from-another~store!" + "x" * 45
    restore(old, written(header(), bucket(), stored(b"k", b"v", foreign), stored(b"m", b"w", "7"), ("end", 2)))
    same(old.get(b"k"), (b"v", foreign))
    same(old.swap(b"k", {"unchanged": "7"}, put(b"no")), (False, foreign))
    seen = {foreign}
    for store in (old, new):
        for i in range(20):
            seen.add(store.set(b"k", b"v%d" % i))
            store.delete(b"k")
            seen.add(store.set(b"k", b"again"))
        if store is old:
            restore(new, save(old))
            same(new.get(b"m"), (b"w", "7"))
    same(len(seen), 81, "versions")
    last = new.get(b"k")
    new.reopen()
    same((new.get(b"m"), new.get(b"k")), ((b"w", "7"), last))
    applied, version = new.swap(b"m", {"unchanged": "7"}, put(b"x"))
    same((applied, version in seen), (True, False))


def a_kept_version_outlasts_a_log_that_is_made_smaller(old, new):
    restore(old, written(header(), bucket(), stored(b"k", b"v", "foreign"), ("end", 1)))
    for _ in range(2):
        for i in range(12):
            old.set(b"big", bytes([i]) * MIB)
        if old.file.stat().st_size > 8 * MIB:
            raise Wrong("it was not made smaller")
        same(old.get(b"k"), (b"v", "foreign"))
        old.reopen()
        same(old.get(b"k"), (b"v", "foreign"))


def what_is_no_state_changes_nothing(old, new):
    good = [header(), bucket("-"), stored(b"k"), stored(b"l", b"w" * 3000), bucket(), stored(b"k"), ("end", 3)]
    whole, draw = written(*good), random.Random()
    for cut in [0, 1, 2, 5, len(whole) - 1, len(whole) - 2] + draw.sample(range(len(whole)), 12):
        not_restored(new, whole[:cut])
    h, b = header(), bucket()
    for what in ([], [("end", 0)], [b, ("end", 0)], [h, h, ("end", 0)], [h, stored(b"k"), ("end", 1)],
                 [header(format=2), ("end", 0)], [header("copy"), ("end", 0)], [header("rest"), ("end", 0)],
                 [header(writer="w" * 257), ("end", 0)], [header(home="h" * 4097), ("end", 0)],
                 [h, b, stored(b"k"), ("end", 0)], [h, b, stored(b"k"), ("end", 2)], [h, ("end", 0), ("end", 0)],
                 [h, ("end", 0), b], [h, b, stored(b"l"), stored(b"k"), ("end", 2)],
                 [h, b, stored(b"k"), stored(b"k"), ("end", 2)], [h, b, stored(b"k"), b, stored(b"l"), ("end", 2)],
                 [h, b, bucket("-"), ("end", 0)], [h, bucket(identity="b"), bucket(identity="a"), ("end", 0)],
                 [h, bucket(identity=""), ("end", 0)], [h, bucket(identity="a\0b"), ("end", 0)],
                 [h, bucket(identity="i" * 8193), ("end", 0)], [h, bucket(""), ("end", 0)], [h, bucket("A"), ("end", 0)],
                 [h, bucket("n" * 65), ("end", 0)], [h, b, stored(b""), ("end", 1)], [h, b, stored(b"k" * 1025), ("end", 1)],
                 [h, b, stored(b"k", b"v", ""), ("end", 1)], [h, b, stored(b"k", b"v", "v" * 65), ("end", 1)],
                 [h, b, stored(b"k", b"v", "a b"), ("end", 1)], [h, b, stored(b"k", b"v", "\u00e9"), ("end", 1)],
                 [h, b, stored(b"k", bytes(16 * MIB + 1)), ("end", 1)], [h, b, ("removed", b"k"), ("end", 1)]):
        not_restored(new, written(*what))
    not_restored(new, b"\x05" + whole)  # a case that is none
    not_restored(new, whole[:-20] + bytes(b ^ 0x80 for b in whole[-20:]))
    not_restored(new, written(h, b) + b"\x02\x01k\xff\xff\xff\xff\x0e")  # a value of 4 GB
    same([f.name for f in new.file.parent.iterdir()], ["store.log"], "files")
    restore(new, whole)
    same(len(contents(save(new))), 3)


def a_store_that_holds_something_refuses(old, new):
    state = written(header(), bucket(), stored(b"k"), ("end", 1))
    new.set(b"mine", b"v")
    for how in ("whole", "copy"):
        fault = not_restored(new, written(header(how), bucket(), stored(b"k"), ("end", 1)), "denied", how)
        if "carry: none" not in (fault.hint or {}).get("some", ""):
            raise Wrong(f"the hint is {fault.hint}")
    new.delete(b"mine")
    restore(new, state)
    same(new.value(b"k"), b"v")


def what_is_its_own_is_there_already(old, new):
    """A state whose home is this very file."""
    model = filled(old, 60)
    state = save(old)
    restore(old, state)
    same(contents(save(old)), model)
    not_restored(old, state[:-1])


def a_new_process_goes_on_with_the_same_file(old, new):
    """With and without its state; and the old one goes on where that fails."""
    model = filled(old, 60)
    for how in ("whole", "rest", "none"):
        other = Emptied(old.command, old.folder)
        try:
            other.who("a")
            if how == "rest":
                restore(other, save(old, "copy"), "copy")
            refused("failed", other.value, b"k")
            old.who("a")
            model["a", "notes", b"k"] = b"of old", old.set(b"k", b"of old")
            quiesce(old)
            if how != "none":
                restore(other, save(old, how), how)
            same(other.value(b"k"), b"of old")
            same(contents(save(other)), model, how)
            refused("failed", old.value, b"k")
            model["a", "notes", b"k"] = b"of other", other.set(b"k", b"of other")
            other.set(b"big", bytes(5 * MIB))
            other.delete(b"big")
            same(other.end(), 0)
            old.peer.send("RESUME")
            same(old.value(b"k"), b"of other", "what the old one sees")
            same(contents(save(old)), model, "what the old one has")
        finally:
            if other.peer.process.poll() is None:
                other.kill()
    same([f.name for f in old.file.parent.iterdir()], ["store.log"], "files")


# --- copy and rest

def a_copy_and_its_rest_are_all(old, new):
    """Six writers at full speed while it is copied; then the rest. The model is what was acknowledged."""
    model, draw = filled(old, 900), random.Random(5)
    old.who("a")
    handle, calls, busy = old.bucket(), {}, 0

    def write():
        key = draw.choice((b"n%d" % draw.randrange(300), draw.choice(list(model))[2]))
        if draw.randrange(4):
            value = draw.randbytes(draw.choice((1, 2000)))
            calls[old.peer.begin("store.[method]bucket.set", handle, key, value, caller=old.caller)] = key, value
        else:
            calls[old.peer.begin("store.[method]bucket.delete", handle, key, caller=old.caller)] = key, None

    def wrote():
        call_id = old.peer.any_answer()
        if call_id not in calls:
            return call_id
        key, value = calls.pop(call_id)
        result = old.peer.answer(call_id)["ok"]
        model.pop(("a", "notes", key), None)
        if value is not None:
            model["a", "notes", key] = value, result
        return None

    for _ in range(6):
        write()
    copying, state = old.peer.step("SAVE", [0, "copy"]), None
    while state is None or busy < 300:
        if wrote() == copying:
            state = old.peer.step_answer(copying)
        busy += 1
        if len(calls) < 6:
            write()
    while calls:
        wrote()
    restore(new, state, "copy")
    same(items(save(new))[1:], [("end", 0)], "before the rest")
    quiesce(old)
    rest = save(old, "rest")
    same(items(rest)[0][1]["pass"], "rest")
    if not any(value is None for value in contents(rest).values()) or len(contents(rest)) > 700:
        raise Wrong(f"{len(contents(rest))} keys in the rest")
    restore(new, rest, "rest")
    same(contents(save(new)), model)
    new.reopen()
    same(contents(save(new)), model, "after a new start")


def a_copy_alone_leaves_nothing(old, new):
    old.set(b"k", b"v")
    restore(new, save(old, "copy"), "copy")
    new.reopen()
    same(items(save(new))[1:], [("end", 0)])
    same([f.name for f in new.file.parent.iterdir()], ["store.log"], "files")
    fault = not_restored(new, written(header("rest"), ("end", 0)), how="rest")
    if "copy" not in str(fault):
        raise Wrong(str(fault))
    new.set(b"mine", b"v")
    same(new.value(b"mine"), b"v")


def a_bad_rest_leaves_nothing(old, new):
    old.set(b"k", b"v")
    restore(new, save(old, "copy"), "copy")
    old.set(b"l", b"v")
    rest = save(old, "rest")
    not_restored(new, rest[:-1], how="rest")
    not_restored(new, rest, how="rest")  # and the copy is gone
    state = save(old)
    restore(new, state)
    same(len(contents(save(new))), 2)


def a_rest_may_be_empty(old, new):
    old.set(b"k", b"v")
    restore(new, save(old, "copy"), "copy")
    rest = save(old, "rest")
    same(contents(rest), {})
    restore(new, rest, "rest")
    new.reopen()
    same(new.value(b"k"), b"v")


def who_lost_count_says_all_again(old, new):
    """The old one was started again between copy and rest; or resumed."""
    old.set(b"k", b"1")
    for again in (old.reopen, lambda: old.peer.send("RESUME")):
        old.who("a")
        restore(new, save(old, "copy"), "copy")
        again()
        old.who("a")
        old.set(b"k", b"2")
        rest = save(old, "rest")
        same((items(rest)[0][1]["pass"], len(contents(rest))), ("whole", 1))
        restore(new, rest, "rest")
        new.who("a")
        same(new.value(b"k"), b"2")
        new.forget()


def after_resume_it_goes_on(old, new):
    old.set(b"k", b"1")
    save(old, "copy")
    quiesce(old)
    save(old, "rest")
    old.peer.send("RESUME")
    old.set(b"k", b"2")
    same(old.value(b"k"), b"2")


def a_save_can_be_given_up(old, new):
    filled(old, 900)
    for _ in range(3):
        old.set(b"big", os.urandom(8 * MIB))
        old.set(b"big2", os.urandom(8 * MIB))
    old.peer.give_back = False  # it stops where the credit ends
    call_id = old.peer.step("SAVE", [0, "copy"])
    time.sleep(0.2)
    same(old.used() > 16 * MIB, True, "a call meanwhile")
    old.peer.send("CANCEL", call_id, ["stopped", 0])
    old.peer.give_back = True
    old.peer.return_credit()
    try:
        old.peer.step_answer(call_id)
    except Fault as fault:
        same(fault.code, "cancelled")
    else:
        raise Wrong("it was not given up")
    same(len(contents(save(old))) > 300, True)


# --- handles

def handles_are_handed_over(old, new):
    old.set(b"k", b"v", "box")
    handle = old.bucket("box")
    state = old.peer.ask("SAVE-OBJECT", [0, 0, handle])
    same(wire.decode(OBJECT, state), {"name": "box"})
    restore(new, save(old))
    new.handles[new.caller, "box"] = new.peer.ask("RESTORE-OBJECT", [0, 0], [state])
    same(new.value(b"k", "box"), b"v")
    old.peer.send("DROP", 0, [0, 0, handle])
    for place in ([0, 0, handle], [0, 0, 9999], [0, 1, 1], [1, 0, 1]):
        try:
            old.peer.ask("SAVE-OBJECT", place)
        except Fault as fault:
            same(fault.code, "invalid")
        else:
            raise Wrong(f"an object {place}")
    for bad in (b"", state + b"x", state[:-1], wire.encode(OBJECT, {"name": "B O X"})):
        try:
            new.peer.ask("RESTORE-OBJECT", [0, 0], [bad])
        except Fault as fault:
            same(fault.code, "invalid", str(fault))
        else:
            raise Wrong(f"an object of {bad}")


# --- crashes

def what_was_restored_outlasts_a_kill(old, new):
    """SIGKILL right behind the RESULT, of whole and of rest."""
    model = filled(old, 90)
    whole, copy = save(old), save(old, "copy")
    old.who("a")
    model["a", "notes", b"late"] = b"v", old.set(b"late", b"v")
    rest = save(old, "rest")
    for turn in range(6):
        expected = dict(model)
        if turn % 2:
            restore(new, copy, "copy")
            restore(new, rest, "rest")
        else:
            restore(new, whole)
            del expected["a", "notes", b"late"]
        new.kill()
        new.start()
        same(contents(save(new)), expected, f"turn {turn}")
        new.forget()


def a_kill_while_it_restores_leaves_nothing_or_all(old, new):
    model = filled(old, 900)
    state, draw, outcomes = save(old), random.Random(), set()
    for turn in range(12):
        killer = threading.Timer(draw.uniform(0, 0.06), os.kill, (new.peer.process.pid, 9))
        killer.start()
        try:
            restore(new, state, pieces=20_000)
        except peer.Ended:
            pass
        killer.join()
        new.kill()
        new.start()
        there = contents(save(new))
        if there not in ({}, model):
            raise Wrong(f"turn {turn}: {len(there)} of {len(model)} keys")
        outcomes.add(len(there))
        same([f.name for f in new.file.parent.iterdir()], ["store.log"], "files")
        new.forget()
    if outcomes == {len(model)}:
        raise Wrong("it was never killed in time")


# --- much

def a_hundred_thousand_keys_take_seconds(old, new):
    rows = [stored(b"key %06d" % i, b"value %d" % i, f"{i:x}-1") for i in range(100_000)]
    state, took = written(header(), bucket(), *rows, ("end", len(rows))), []

    def timed(run, *args):
        start = time.monotonic()
        result = run(*args)
        took.append(time.monotonic() - start)
        return result
    timed(restore, old, state)
    saved = timed(save, old)
    same(saved[len(saved) - len(state) + 40:], state[40:], "what came back")
    timed(restore, new, saved)
    timed(save, old, "copy")
    same(len(contents(timed(save, old, "rest"))), 0)
    print("        restore {:.2f} s, save {:.2f} s, restore {:.2f} s, copy {:.2f} s, rest {:.3f} s".format(*took))
    if max(took) > 10:  # a second or so where nobody else works
        raise Wrong(f"{max(took):.1f} s")


def a_state_is_not_held_in_memory(old, new):
    """256 MiB pass through both, whose memory does not grow by as much."""
    old.who("a", 512 * MIB)
    for i in range(256):
        old.set(b"%03d" % i, os.urandom(MIB))
    before = [resident(store) for store in (old, new)]
    call_id, restoring = old.peer.step("SAVE", [0, "whole"]), new.peer.step("RESTORE", [0, "whole"])
    more = True
    while more:
        old.peer.pump(time.monotonic() + 30, "STATE")
        pieces = old.peer.kept[call_id]
        for data, more in pieces:
            new.peer.send("STATE", restoring, data, more=more)
        if more:
            pieces.clear()
    old.peer.step_answer(call_id)
    new.peer.step_answer(restoring)
    grown = [resident(store) - was for store, was in zip((old, new), before)]
    print(f"        memory grew by {grown[0] >> 20} and {grown[1] >> 20} MiB")
    if max(grown) > 128 * MIB:
        raise Wrong(f"memory grew by {grown}")


def resident(store):
    for line in Path(f"/proc/{store.peer.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) << 10
    raise Wrong("no VmRSS")


# --- all

class Emptied(Store):
    def forget(self):
        """A new file."""
        self.end()
        self.file.unlink()
        self.start()


PROMISES = [value for value in list(globals().values())
            if callable(value) and getattr(value, "__code__", None) and value.__code__.co_varnames[:2] == ("old", "new")]


def one(command, check):
    old, new = Emptied(command), Emptied(command)
    try:
        check(old, new)
        same((old.end(), new.end()), (0, 0), "their status")
    except BaseException:
        print(old.peer.said() if not old.peer.stderr.closed else "", new.peer.said() if not new.peer.stderr.closed else "")
        raise
    finally:
        for store in (old, new):
            if store.peer.process.poll() is None:
                store.kill()
            shutil.rmtree(store.folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    passed = failed = 0
    for check in PROMISES:
        name = f"state: {check.__name__.replace('_', ' ')}"
        if args.only not in name:
            continue
        start = time.monotonic()
        try:
            one(args.command, check)
            passed += 1
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as why:
            failed += 1
            text = str(why) if isinstance(why, (Wrong, Fault)) else traceback.format_exc()
            print(f"FAILED  {name}\n    " + text.replace("\n", "\n    "), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
