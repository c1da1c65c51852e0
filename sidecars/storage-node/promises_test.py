#!/usr/bin/env python3
"""What wit/storage/store.wit promises, of a store that is a sidecar, and that it survives kill -9.

    promises_test.py [--kills N] [--only TEXT] -- COMMAND...    FILE stands for the store's file

The promises are those of providers/storage/storage_test.c, asked through the protocol; each has a store
of its own. Then: random operations beside a plain dictionary, processes that are killed while they
write, and logs that were cut, changed or are no logs. Last line: `N passed, N failed`.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sidecar/conformance"))
import peer  # noqa: E402
from peer import Wrong, short  # noqa: E402

MIB = 1 << 20
ALWAYS, ABSENT = "always", "absent"


def unchanged(version):
    return {"unchanged": version}


def put(value):
    return {"set": value}


def same(got, expected, what=""):
    if got != expected:
        raise Wrong(f"{what}{': ' if what else ''}{short(got)}, not {short(expected)}")


class Store:
    """A sidecar, one caller at a time, and the bucket "notes"."""

    def __init__(self, command, folder=None):
        self.folder = folder or Path(tempfile.mkdtemp(prefix="loop-store-"))
        self.file, self.command = self.folder / "data/store.log", command
        self.start()

    def start(self):
        self.peer = peer.Sidecar(self.command, options={"file": str(self.file)}, shared=64 * MIB, patience=30)
        try:
            self.peer.start()
        except BaseException:
            self.end()
            raise
        self.callers, self.handles = {}, {}
        self.who("a")

    def who(self, identity, granted=64 * MIB, why="not granted: --storage 16MiB"):
        key = identity, granted
        if key not in self.callers:
            self.callers[key] = self.peer.caller("test", identity, granted, why)
        self.caller = self.callers[key]

    def call(self, name, *args):
        result = self.peer.call(f"store.{name}", *args, caller=self.caller, share=True)
        if "error" in result:
            error = result["error"]
            raise Refused(*error.popitem()) if isinstance(error, dict) else Refused(error, "")
        return result["ok"]

    def bucket(self, name="notes"):
        if (self.caller, name) not in self.handles:
            self.handles[self.caller, name] = self.call("open", name)
        return self.handles[self.caller, name]

    def on(self, function, *args, bucket="notes"):
        return self.call(f"[method]bucket.{function}", self.bucket(bucket), *args)

    def set(self, key, value, bucket="notes"):
        return self.on("set", key, value, bucket=bucket)

    def get(self, key, bucket="notes"):
        """The value, and the version; None where there is none."""
        found = self.on("get", key, bucket=bucket)
        return found and (bytes(found["some"]["value"]), found["some"]["version"])

    def value(self, key, bucket="notes"):
        found = self.get(key, bucket)
        return found and found[0]

    def version(self, key):
        found = self.get(key)
        return found and found[1]

    def delete(self, key, bucket="notes"):
        return self.on("delete", key, bucket=bucket)

    def swap(self, key, condition, change):
        """(applied, version)"""
        (case, version), = self.on("compare-and-swap", key, condition, change).items()
        return case == "applied", version and version["some"]

    def apply(self, *operations):
        rows = [{"key": k, "condition": c, "change": ch} for k, c, ch in operations]
        return self.on("apply", rows)

    def page(self, prefix=b"", cursor=None, limit=0, bucket="notes"):
        """Keys, and whether there are more."""
        found = self.on("list-keys", prefix, cursor and {"some": cursor}, limit, bucket=bucket)
        keys = [bytes(k) for k in found["keys"]]
        if found["cursor"]:
            same(bytes(found["cursor"]["some"]), keys[-1], "the cursor")
        return keys, found["cursor"] is not None

    def used(self):
        return self.call("get-usage")["bytes-used"]

    def reopen(self):
        same(self.end(), 0, "its status")
        self.start()

    def end(self):
        """As the host ends it."""
        try:
            return self.peer.close() if self.peer.process.poll() is None else self.peer.process.wait()
        finally:
            self.peer.__exit__(Wrong)

    def kill(self):
        os.kill(self.peer.process.pid, signal.SIGKILL)
        self.peer.process.wait()
        self.peer.__exit__(Wrong)


class Refused(Exception):
    """A value of loop:core/types.error."""

    def __init__(self, case, text):
        super().__init__(f"{case}: {text}")
        self.case, self.text = case, text


def refused(case, run, *args, **more):
    try:
        found = run(*args, **more)
    except Refused as error:
        same(error.case, case, str(error))
        return error.text
    raise Wrong(f"{short(found)}, where {case} was due")


# --- one key

def a_write_is_there_for_the_next_read(s):
    same(s.value(b"k"), None)
    s.set(b"k", b"one")
    same(s.value(b"k"), b"one")
    s.set(b"k", b"two")
    s.reopen()
    same(s.value(b"k"), b"two")


def a_set_answers_with_the_version_that_a_get_shows(s):
    version = s.set(b"k", b"v")
    same(s.version(b"k"), version)
    if not 1 <= len(version) <= 64 or not version.isascii() or not version.isprintable():
        raise Wrong(f"the version {version}")


def no_version_comes_twice(s):
    seen = set()
    for i in range(60):
        seen.add(s.set(b"k", b"v"))
        same(len(seen), i + 1, "versions")
        if i % 3 == 1:
            s.delete(b"k")
        if i % 7 == 2:
            s.reopen()


def no_version_comes_twice_where_a_copy_is_put_back(s):
    s.set(b"k", b"v")
    s.end()
    copy = s.file.read_bytes()
    s.start()
    seen = [s.set(b"k", b"v") for _ in range(5)]
    s.end()
    s.file.write_bytes(copy)
    s.start()
    for _ in range(5):
        if s.set(b"k", b"v") in seen:
            raise Wrong("a version came twice")


def a_read_does_not_change_a_version(s):
    version = s.set(b"k", b"v")
    s.set(b"other", b"v")
    s.reopen()
    same(s.version(b"k"), version)


def a_delete_says_whether_the_key_was_there(s):
    same(s.delete(b"k"), False)
    s.set(b"k", b"")
    same(s.value(b"k"), b"")
    same((s.delete(b"k"), s.delete(b"k"), s.value(b"k")), (True, False, None))


def a_key_is_any_bytes(s):
    keys = [bytes(3), b"\0\xff\1", b"\xff\xff\xff", b"a\0b", bytes(range(256))]
    for i, key in enumerate(keys):
        s.set(key, bytes([i]))
    s.reopen()
    same([s.value(key) for key in keys], [bytes([i]) for i in range(len(keys))])


# --- limits

def a_key_has_1_to_1024_bytes(s):
    s.set(b"k" * 1024, b"v")
    for key in (b"", b"k" * 1025):
        for function, *args in (("get", key), ("get-many", [key]), ("set", key, b"v"), ("delete", key),
                                ("compare-and-swap", key, ALWAYS, "keep"), ("list-keys", b"", {"some": key}, 0),
                                ("apply", [{"key": key, "condition": ALWAYS, "change": "keep"}])):
            refused("invalid", s.on, function, *args)
    same(s.used(), 1025)


def a_value_has_at_most_16_MiB(s):
    most = random.randbytes(16 * MIB)
    s.set(b"k", most)
    refused("invalid", s.set, b"k", most + b"x")
    if s.value(b"k") != most:
        raise Wrong("16 MiB came back otherwise")


def a_bucket_name_has_1_to_64_of_its_bytes(s):
    for name in ("a", "0", ".", "..", "-_.", "a-z.0_9", "n" * 64):
        s.call("open", name)
    for name in ("", "A", "a b", "a/b", "\u00e4", "a:b", "n" * 65, "a\0b", "a\n"):
        refused("invalid", s.call, "open", name)


# --- many keys

def get_many_answers_in_the_order_asked_for(s):
    s.set(b"a", b"1")
    s.set(b"b", b"2")
    found = s.on("get-many", [b"b", b"none", b"a", b"b"])
    same([e and bytes(e["some"]["value"]) for e in found], [b"2", None, b"1", b"2"])
    same(s.on("get-many", []), [])


def get_many_takes_1024_keys_and_32_MiB(s):
    refused("invalid", s.on, "get-many", [b"k"] * 1025)
    s.set(b"k", bytes(32768))
    same(len(s.on("get-many", [b"k"] * 1024)), 1024)
    s.set(b"k", bytes(32769))
    refused("limit", s.on, "get-many", [b"k"] * 1024)


# --- conditions and batches

def a_change_happens_where_its_condition_holds(s):
    right, wrong = "right", "not-this"
    rows = [  # there before, condition, change, applied, there after
        (0, ALWAYS, "set", 1, 1), (0, ALWAYS, "delete", 1, 0), (0, ALWAYS, "keep", 1, 0),
        (0, ABSENT, "set", 1, 1), (0, ABSENT, "delete", 1, 0), (0, ABSENT, "keep", 1, 0),
        (0, wrong, "set", 0, 0), (0, wrong, "keep", 0, 0), (1, ALWAYS, "set", 1, 1),
        (1, ALWAYS, "delete", 1, 0), (1, ALWAYS, "keep", 1, 1), (1, ABSENT, "set", 0, 1),
        (1, ABSENT, "delete", 0, 1), (1, ABSENT, "keep", 0, 1), (1, wrong, "set", 0, 1),
        (1, right, "set", 1, 1), (1, right, "delete", 1, 0), (1, right, "keep", 1, 1), (1, wrong, "delete", 0, 1)]
    for i, (there, condition, change, applied, after) in enumerate(rows):
        key = b"k%d" % i
        old = s.set(key, b"old") if there else None
        given = {right: unchanged(old), wrong: unchanged(wrong)}.get(condition, condition)
        did, now = s.swap(key, given, put(b"new") if change == "set" else change)
        same((did, now, now is not None), (bool(applied), s.version(key), bool(after)), f"row {i}")
        if not applied or change == "keep":
            same(now, old, f"row {i}")
        elif change == "set":
            same(s.value(key), b"new")


def a_version_over_64_bytes_is_invalid(s):
    s.set(b"k", b"v")
    refused("invalid", s.swap, b"k", unchanged("x" * 65), "delete")
    same(s.swap(b"k", unchanged("x" * 64), "delete")[0], False)
    same(s.swap(b"k", unchanged(""), "delete")[0], False)


def a_batch_changes_all_or_nothing(s):
    s.set(b"there", b"old")
    s.set(b"gone", b"old")
    before = s.used()
    same(s.apply((b"new", ABSENT, put(b"1")), (b"there", ABSENT, put(b"2")), (b"gone", ALWAYS, "delete"),
                 (b"none", unchanged("1"), "keep")), {"conflict": [1, 3]})
    same((s.page(), s.used()), (([b"gone", b"there"], False), before))
    found = s.apply((b"new", ABSENT, put(b"1")), (b"gone", ALWAYS, "delete"), (b"none", ALWAYS, "delete"),
                    (b"there", unchanged(s.version(b"there")), "keep"))["applied"]
    same([v and v["some"] for v in found], [s.version(b"new"), None, None, s.version(b"there")])
    s.reopen()
    same(s.page(), ([b"new", b"there"], False))


def a_batch_names_a_key_once(s):
    twice = [(b"a", ALWAYS, put(b"1")), (b"b", ALWAYS, put(b"2")), (b"a", ALWAYS, "keep")]
    refused("invalid", s.apply, *twice)
    same(s.page(), ([], False))
    s.apply(*twice[:2])
    same(s.apply(), {"applied": []})


def a_batch_has_1024_keys_and_32_MiB(s):
    rows = [(b"%04d" % i, ALWAYS, put(b"v")) for i in range(1025)]
    refused("invalid", s.apply, *rows)
    same(s.used(), 0)
    s.apply(*rows[:1024])
    same(s.used(), 1024 * 5)
    most = bytes(16 * MIB)
    rows[:3] = [(b"0000", ALWAYS, put(most)), (b"0001", ALWAYS, put(most)), (b"0002", ALWAYS, put(b""))]
    s.apply(*rows[:3])
    refused("invalid", s.apply, *rows[:4])
    same(s.used(), 1024 * 5 + 2 * (16 * MIB - 1) - 1)


# --- pages

def keys_come_in_the_order_of_unsigned_bytes(s):
    keys = [b"b", b"a", b"ab", b"\xff", b"B", b"\x80", b"a\1", b"\x7f", b"a\0"]
    for key in keys:
        s.set(key, b"v")
    same(s.page(), (sorted(keys), False))


def a_page_begins_after_its_cursor(s):
    for key in (b"a", b"aa", b"ab", b"b", b"ba", b"c", b"\xff", b"\xff\xff"):
        s.set(key, b"v")
    for prefix, cursor, limit, keys, more in (
            (b"", None, 3, b"a aa ab", 1), (b"", b"ab", 3, b"b ba c", 1), (b"", b"c", 3, b"\xff \xff\xff", 0),
            (b"", b"\xff\xff", 3, b"", 0), (b"", None, 8, b"a aa ab b ba c \xff \xff\xff", 0),
            (b"", None, 7, b"a aa ab b ba c \xff", 1), (b"a", None, 0, b"a aa ab", 0), (b"a", None, 3, b"a aa ab", 0),
            (b"a", None, 2, b"a aa", 1), (b"a", b"aa", 2, b"ab", 0), (b"a", b"A", 0, b"a aa ab", 0),
            (b"a", b"b", 0, b"", 0), (b"b", b"a", 0, b"b ba", 0), (b"a", b"a", 1, b"aa", 1),
            (b"", b"aaa", 2, b"ab b", 1), (b"\xff", None, 0, b"\xff \xff\xff", 0),
            (b"\xff", b"\xff", 0, b"\xff\xff", 0), (b"zz", None, 0, b"", 0), (b"a", None, 4000000000, b"a aa ab", 0)):
        same(s.page(prefix, cursor, limit), (keys.split(), bool(more)), f"{prefix} {cursor} {limit}")


def a_page_has_at_most_1024_keys(s):
    for start in range(0, 1500, 500):
        s.apply(*((b"%04d" % i, ALWAYS, put(b"")) for i in range(start, start + 500)))
    for limit in (0, 1024, 1025, 0xffffffff):
        keys, more = s.page(limit=limit)
        same((len(keys), keys[-1], more), (1024, b"1023", True))
    same(len(s.page(cursor=b"1023")[0]), 1500 - 1024)


def a_prefix_that_no_key_can_have_has_an_empty_page(s):
    s.set(b"k", b"v")
    same(s.page(b"k" * 1025), ([], False))
    same(s.page(b"\xff" * 1024), ([], False))


def a_key_that_lives_throughout_comes_exactly_once(s):
    keys = [b"%03d" % i for i in range(200)]
    for key in keys:
        s.set(key, b"v")
    came, cursor, turn, more = dict.fromkeys(keys, 0), None, 0, True
    while more:
        found, more = s.page(cursor=cursor, limit=7)
        for key in found:
            came[key] += 1
        cursor = found[-1]
        if int(cursor) % 2:  # odd ones come and go; the last of a page goes
            s.delete(cursor)
        s.delete(keys[turn * 37 % 200 | 1])
        s.set(keys[turn * 53 % 200 | 1], b"again")
        turn += 1
    for i, key in enumerate(keys):
        if came[key] > 1 or not i % 2 and came[key] != 1:
            raise Wrong(f"{key} came {came[key]} times")


# --- buckets, identities, quotas

def buckets_are_those_that_hold_a_key(s):
    same(s.call("buckets"), [])
    for name in ("b", "a.b", "-", "z", "a"):
        s.set(b"k", name.encode(), bucket=name)
    same(s.call("buckets"), ["-", "a", "a.b", "b", "z"])
    same(s.value(b"k", "b"), b"b")
    same((s.delete(b"k", "a"), s.delete(b"k", "q")), (True, False))
    same(s.call("buckets"), ["-", "a.b", "b", "z"])


def a_bucket_is_private_to_its_identity(s):
    s.set(b"k", b"of a")
    for identity in ("ab", "\u00e9" * 4096):
        s.who(identity)
        same((s.value(b"k"), s.page(), s.call("buckets"), s.used()), (None, ([], False), [], 0))
        s.set(b"k", b"of another")
        s.reopen()
        s.who(identity)
        same(s.delete(b"k"), True)
    s.who("a")
    same((s.value(b"k"), s.used()), (b"of a", 5))


def a_handle_is_no_permission(s):
    """The bucket that one identity opened, used by another: it sees its own bucket of that name."""
    s.set(b"k", b"of a")
    bucket = s.bucket()
    s.who("b")
    same(s.call("[method]bucket.get", bucket, b"k"), None)


def without_a_grant_everything_is_denied(s):
    bucket = s.bucket()
    s.who("a", 0)
    for name, *args in (("open", "notes"), ("buckets",), ("get-usage",), ("[method]bucket.get", bucket, b"k"),
                        ("[method]bucket.set", bucket, b"k", b"v"), ("[method]bucket.list-keys", bucket, b"", None, 0)):
        same(refused("denied", s.call, name, *args), "not granted: --storage 16MiB")


def usage_counts_keys_and_values(s):
    same(s.used(), 0)
    s.set(b"key", b"value")
    same(s.used(), 8)
    s.set(b"key", b"v")
    s.set(b"k", b"", bucket="other")
    same(s.call("get-usage"), {"bytes-used": 5, "bytes-granted": {"some": 64 * MIB}})
    s.reopen()
    same(s.used(), 5)
    s.delete(b"key")
    same(s.used(), 1)


def over_the_quota_nothing_changes(s):
    s.who("a", 10)
    version = s.set(b"aaa", b"1234567")  # exactly
    refused("limit", s.set, b"aaa", b"12345678")
    refused("limit", s.set, b"b", b"")
    refused("limit", s.apply, (b"aaa", ALWAYS, "delete"), (b"b", ALWAYS, put(b"1234567890")))
    same((s.version(b"aaa"), s.page(), s.used()), (version, ([b"aaa"], False), 10))
    s.apply((b"aaa", ALWAYS, "delete"), (b"b", ALWAYS, put(b"123456789")))
    same(s.used(), 10)
    s.who("c", 10)
    s.set(b"ccc", b"1234567")


def who_is_over_a_smaller_quota_may_tidy_up(s):
    s.set(b"a", b"123456789")
    s.set(b"b", b"123456789")
    s.who("a", 5)
    refused("limit", s.set, b"c", b"")
    refused("limit", s.set, b"a", b"1234567890")
    s.set(b"a", b"1234")
    same(s.value(b"b"), b"123456789")
    s.delete(b"b")
    same(s.used(), 5)


def keys_without_values_are_not_free(s):
    s.who("a", 6400)  # 1,024 keys and 100 more
    for half in (b"a", b"b"):
        s.apply(*((half + b"%03d" % i, ALWAYS, put(b"")) for i in range(562)))
    refused("limit", s.set, b"z", b"")
    s.set(b"a000", b"v")
    s.delete(b"a001")
    s.set(b"z", b"")


# --- at once

def no_swap_is_lost_between_callers(s):
    """Eight count up one key, each by what it read."""
    s.set(b"n", b"0")
    bucket, get, swap = s.bucket(), "store.[method]bucket.get", "store.[method]bucket.compare-and-swap"
    turns, counted = dict.fromkeys(range(8), 25), 0
    calls = {s.peer.begin(get, bucket, b"n", caller=s.caller): i for i in turns}
    while calls:
        call_id = s.peer.any_answer()
        who, (case, value), = calls.pop(call_id), s.peer.answer(call_id)["ok"].popitem()
        if case == "some":
            new = str(int(bytes(value["value"])) + 1).encode()
            next_id = s.peer.begin(swap, bucket, b"n", unchanged(value["version"]), put(new), caller=s.caller)
        else:
            counted += case == "applied"
            turns[who] -= case == "applied"
            next_id = s.peer.begin(get, bucket, b"n", caller=s.caller) if turns[who] else None
        if next_id:
            calls[next_id] = who
    same((counted, s.value(b"n")), (200, b"200"))


def nobody_sees_the_middle_of_a_batch(s):
    bucket, writes, reads = s.bucket(), [], []
    for i in range(200):
        rows = [{"key": k, "condition": ALWAYS, "change": put(b"%d" % i)} for k in (b"a", b"b")]
        writes.append(s.peer.begin("store.[method]bucket.apply", bucket, rows, caller=s.caller))
        reads.append(s.peer.begin("store.[method]bucket.get-many", bucket, [b"a", b"b"], caller=s.caller))
    for call_id in reads:
        a, b = s.peer.answer(call_id)["ok"]
        same(a and a["some"]["value"], b and b["some"]["value"], "the two of a batch")
    for call_id in writes:
        s.peer.answer(call_id)


def it_does_what_a_dictionary_does(s):
    """3,000 random operations, with a few keys, buckets, identities and new starts; small quota, so that
    some are refused, and enough bytes that the log is made smaller on the way."""
    draw = random.Random(seed := random.randrange(1 << 30))
    model, quota = {}, 200000
    try:
        for step in range(3000):
            who, bucket, key = draw.choice("ab"), draw.choice(("x", "y")), b"k%d" % draw.randrange(12)
            s.who(who, quota)
            mine = model.setdefault(who, {})
            value = draw.randbytes(draw.choice((0, 10, 1000, 20000)))
            now = sum(len(k[1]) + len(v) for k, v in mine.items())
            match draw.randrange(8):
                case 0 | 1 | 2 | 3:
                    after = now - (len(key) + len(mine[bucket, key]) if (bucket, key) in mine else 0) + len(key + value)
                    if after > quota and after > now:
                        refused("limit", s.set, key, value, bucket=bucket)
                    else:
                        s.set(key, value, bucket=bucket)
                        mine[bucket, key] = value
                case 4:
                    same(s.delete(key, bucket), mine.pop((bucket, key), None) is not None)
                case 5:
                    same(s.value(key, bucket), mine.get((bucket, key)))
                case 6:
                    same(s.page(bucket=bucket)[0], sorted(k for b, k in mine if b == bucket))
                case 7 if draw.randrange(60) == 0:
                    s.reopen()
                case _:
                    same(s.used(), now)
    except (Wrong, Refused) as why:
        raise Wrong(f"seed {seed}, step {step}: {why}") from why
    if s.file.stat().st_size > 8 * MIB:
        raise Wrong(f"the log has {s.file.stat().st_size} bytes and was never made smaller")


def one_process_has_the_file(s):
    """Another one waits for it: its calls fail until the first has ended."""
    s.set(b"k", b"v")
    other = Store(s.command, s.folder)
    try:
        for call in (lambda: other.set(b"k", b"w"), lambda: other.value(b"k")):
            if "in use" not in refused("failed", call):
                raise Wrong("an error that does not say why")
        same(s.value(b"k"), b"v")
        s.end()
        same(other.value(b"k"), b"v")
    finally:
        other.end()
        s.start()


PROMISES = [value for value in list(globals().values())
            if callable(value) and getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("s",)]


# --- kill -9

def hammered(store, delay, draw):
    """Sets `n` and one of eight slots in a batch, many under way, until it is killed. What was acknowledged
    and what was sent, at most."""
    killer = threading.Timer(delay, os.kill, (store.peer.process.pid, signal.SIGKILL))
    killer.start()
    start = int(store.value(b"n") or b"0")
    bucket, sent, acknowledged, waiting = store.bucket(), start, start, []
    try:
        while True:
            while len(waiting) < 6:
                sent += 1
                n = b"%d" % sent
                rows = [{"key": b"n", "condition": ALWAYS, "change": put(n)},
                        {"key": b"s%d" % (sent % 8), "condition": ALWAYS, "change": put(n + bytes(draw.randrange(40000)))}]
                waiting.append(store.peer.begin("store.[method]bucket.apply", bucket, rows, caller=store.caller))
            result = store.peer.answer(waiting.pop(0))
            if "applied" not in result.get("ok", {}):
                raise Wrong(f"refused: {short(result)}")
            acknowledged += 1
    except peer.Ended:
        pass
    killer.join()
    store.kill()
    return acknowledged, sent


def kills(command, times):
    draw, store, total = random.Random(), Store(command), 0
    folder = store.folder
    try:
        for turn in range(times):
            acknowledged, sent = hammered(store, draw.uniform(0.02, 0.6), draw)
            store = Store(command, folder)
            n = int(store.value(b"n") or b"0")
            if not acknowledged <= n <= sent:
                raise Wrong(f"kill {turn}: {acknowledged} acknowledged, {sent} sent, {n} there")
            for i in range(max(1, n - 7), n + 1):
                slot = store.value(b"s%d" % (i % 8))
                if slot is None or slot.rstrip(b"\0") != b"%d" % i and int(slot.rstrip(b"\0")) != i:
                    raise Wrong(f"kill {turn}: slot {i % 8} is {short(slot)}, not {i}")
            total = n
        store.end()
    finally:
        shutil.rmtree(folder)
    if total < times:
        raise Wrong(f"{total} writes in {times} runs: nothing was tested")


# --- files

def written(command):
    """A log of some records, where each ends, and what is stored after each."""
    store, ends, states = Store(command), [], []
    for i in range(12):
        store.apply((b"n", ALWAYS, put(b"%d" % i)), (b"k%d" % i, ALWAYS, put(bytes([i]) * (i * 7))))
        ends.append(store.file.stat().st_size)
        states.append({b"n": b"%d" % i} | {b"k%d" % k: bytes([k]) * (k * 7) for k in range(i + 1)})
    store.end()
    data = store.file.read_bytes()
    same(len(data), ends[-1])
    return store, data, ends, states


def contents(command, folder):
    store = Store(command, folder)
    found = {key: store.value(key) for key in store.page()[0]}
    store.set(b"after", b"it works")  # and it goes on
    same(store.end(), 0)
    return found


def cut_logs(command):
    """Cut anywhere: what is left is the state after some write, and all whose record is there whole."""
    store, data, ends, states = written(command)
    draw = random.Random()
    cuts = [*ends[:3], ends[-1] - 1, ends[-2] + 1, ends[-2] + 19, ends[-2] + 20, 8, 3, 0] + draw.sample(range(len(data)), 6)
    try:
        for cut in cuts:
            for tail in (b"", bytes(500), draw.randbytes(300)):
                store.file.write_bytes(data[:cut] + (tail if cut >= 8 else b""))
                whole = sum(end <= cut for end in ends)
                expected = states[whole - 1] if whole else {}
                same(contents(command, store.folder), expected, f"cut at {cut}, then {len(tail)} bytes")
    finally:
        shutil.rmtree(store.folder)


def damaged_logs(command):
    """A byte changed before the last record: it was acknowledged, so it is no torn end."""
    store, data, ends, _ = written(command)
    draw = random.Random()
    try:
        for at in [0, 5, ends[0] + 4, ends[0] + 9] + draw.sample(range(8, ends[-2]), 8):
            changed = bytearray(data)
            changed[at] ^= 1 << draw.randrange(8)
            not_opened(command, store, bytes(changed), f"byte {at} changed")
        not_opened(command, store, data[:ends[3]] + data[ends[4]:], "a record taken out")
        not_opened(command, store, b"SQLite format 3\0" + bytes(500), "another program's file")
        not_opened(command, store, b"loopkv 3" + data[8:], "a newer version's file")
    finally:
        shutil.rmtree(store.folder)


def not_opened(command, store, data, what):
    store.file.write_bytes(data)
    try:
        contents(command, store.folder)
    except peer.Fault:
        same(store.file.read_bytes(), data, f"{what}: the file")
        return
    raise Wrong(f"{what}, and it was opened")


# --- all

def every(command, times):
    def promise(check):
        store = Store(command)
        try:
            check(store)
            same(store.end(), 0, "its status")
        finally:
            if store.peer.process.poll() is None:
                store.kill()
            shutil.rmtree(store.folder)
    for check in PROMISES:
        yield f"promise: {check.__name__.replace('_', ' ')}", lambda check=check: promise(check)
    yield f"kill -9: {times} times while it writes", lambda: kills(command, times)
    yield "file: a log that was cut", lambda: cut_logs(command)
    yield "file: a log that was changed is left alone", lambda: damaged_logs(command)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=int(os.environ.get("STORE_KILLS", "12")))
    parser.add_argument("--only", default="")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    passed = failed = 0
    for name, check in every(args.command, args.kills):
        if args.only not in name:
            continue
        start = time.monotonic()
        try:
            check()
            passed += 1
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as why:
            failed += 1
            known = isinstance(why, (Wrong, Refused, peer.Fault))
            text = str(why) if known else traceback.format_exc()
            print(f"FAILED  {name}\n    " + text.replace("\n", "\n    "), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
