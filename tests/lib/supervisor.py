"""Sidecars as real processes: hostile ones, the end of a host, and many guests at once.

What must hold for each: the component hears a clear error and what to do, the host goes on,
nothing is left running and no descriptor open. tests/sidecar/ has the programs.
"""

import os
import re
import subprocess
import sys
import time

from . import common
from .common import ROOT, Result

HOSTILE = ROOT / "tests/sidecar/hostile.py"
JOURNAL = ROOT / "tests/sidecar/journal.py"


# --- processes -------------------------------------------------------------------------

def marked(mark):
    """Processes, zombies apart, with the mark in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark.encode() in f.read():
                    with open(f"/proc/{pid}/cmdline", "rb") as g:
                        found.append((int(pid), g.read().replace(b"\0", b" ").decode(errors="replace")))
        except OSError:
            pass
    return found


def left_over(mark, seconds=20.0):
    until = time.monotonic() + seconds
    while (found := marked(mark)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def environment(world, home, mark):
    """With the mark; in a build with sanitizers, leaks are looked for."""
    env = world.environment(home) | dict([mark.split("=", 1)])
    return env | {"ASAN_OPTIONS": env["ASAN_OPTIONS"].replace("detect_leaks=0", "detect_leaks=1")}


class Driver:
    """tests/sidecar/driver.c and its sidecar."""

    def __init__(self, world, command, options=(), mark=None):
        self.home = common.fresh_folder(world, "sidecar-")
        self.mark = mark or f"LOOP_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
        env = environment(world, self.home, self.mark)
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        self.errors = open(self.home / "stderr", "w+b")
        command = [str(c).format(home=self.home) for c in command]
        self.process = subprocess.Popen(
            [world.build / "tests/sidecar_driver", world.components / "guests/side.wasm", *options, "--", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=env, text=True, cwd=self.home)

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, what):
        try:
            print(what, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass
        return self.line()

    def end(self):
        """Its exit status, and what is wrong with how it ended."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            status = self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None, "the host did not end\n"
        self.process.stdout.close()
        left = left_over(self.mark)
        return status, "".join(f"left running: {pid} {line}\n" for pid, line in left)

    def log(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()
        common.remove(self.home)


# --- hostile ones ----------------------------------------------------------------------

BROKE = "the sidecar 'journal' broke the protocol and was ended: "
# mode: what the host says when it is to be used; "cannot CODE MESSAGES (HINT)"
STARTS = {
    "silent": r"timeout .*did not say WELCOME within 10 s",
    "exits": r"unavailable .*ended before it said WELCOME: it exited with status 3: the last that it wrote to stderr: "
             r"see the manual \(run it by hand to see what it says: python3 .*hostile.py .* exits\)",
    "exits-well": r"unavailable .*ended before it said WELCOME: it exited with status 0 \(run it by hand",
    "chats": r'unavailable .*does not speak loop.s protocol; what came first: "Hello, I am a sidecar!\\n" \(the stdout',
    "torn-header": r"unavailable .*the stream ended in the header of a frame",
    "torn-welcome": r"unavailable .*the stream ended in a frame WELCOME, after \d+ of its \d+ bytes",
    "long-welcome": r"unavailable .*does not speak loop.s protocol",
    "other-magic": r"unavailable .*its WELCOME does not start with 'loop-sidecar'",
    "other-version": r"unavailable .*it speaks version 9, 10 of the protocol; this loop speaks 1",
    "no-interface": r"unavailable .*names no interface",
    "bad-type": r"\w+ .*the type of its function 'append' is none",
    "deep-type": r"\w+ .*the type of its function 'append' is none",
    "other-type": r"missing .*append.*u64",
    "twice-the-function": r"unavailable .*the function 'append' twice",
    "strange-name": r"unavailable .*the name of a sidecar 'a \[31mb', which is no name",
    "little-credit": r"unavailable .*credit for 1000 bytes",
    "own-option": r"unavailable .*its option 'restarts' has the name of one of loop's own",
    "welcome-twice": r"unavailable .*it sent WELCOME again",
    "ready-first": r"unavailable .*it sent READY before START, or twice",
    "fails": r"io .*cannot open the provider 'journal': the sidecar 'journal' cannot work here: cannot open the store: "
             r"the disk is full \(make room\)",
    "is-absent": r"missing .*'journal' does not work here: .*there is no camera",
    "exits-before-ready": r"unavailable .*ended before it was ready: it exited with status 4: the last that it wrote "
                          r"to stderr: lost my keys",
}

# mode: (what is asked, the answer)...; then a good answer
CALLS = {
    "short-answer": [("append x", BROKE + "its answer to 'append': a number that goes on behind")],
    "long-answer": [("append x", BROKE + "its answer to 'append': 2 bytes behind a value")],
    "no-such-case": [("append x", BROKE + "its answer to 'append': case 5 of a type that has 2")],
    "bad-text": [("append x", BROKE + "its answer to 'append': a string that is not UTF-8")],
    "endless-text": [("append x", BROKE + "its answer to 'append': a string that goes on behind")],
    "not-shared": [("append x", BROKE + "its answer to 'append': a reference into shared memory")],
    "answer-of-nobody": [("append x", BROKE + r"it answered a call \d+ that nobody made")],
    "odd-answer": [("append x", BROKE + "it answered a call 3 that nobody made")],
    "answers-twice": [("append x", "ok 1"), ("append x", "ok 1|" + BROKE)],
    "bad-fault": [("append x", BROKE + "its answer to 'append': ")],
    "empty-fault": [("append x", BROKE + "its answer to 'append': an error of 0 messages")],
    "chats-between": [("append x", BROKE + 'something that is no frame came between frames: "debug: got a call')],
    "tears": [("append x", "the sidecar 'journal' ended: the stream ended in a frame RESULT, after 38 of its 100 bytes")],
    "exits-now": [("append x", "the sidecar 'journal' ended: it exited with status 0; the next call starts it again")],
    "aborts": [("append x", "the sidecar 'journal' ended: it was killed by signal 6")],
    "closes-stdout": [("append x", "the sidecar 'journal' closed its stdin or stdout, and was ended")],
    "long-frame": [("append x", BROKE + "something that is no frame")],
    "strange-flags": [("append x", BROKE + "a frame with the flags 0x80, which are none")],
    "strange-type": [("append x", BROKE + "a frame of the type 0x50, which is none")],
    "calls-the-host": [("append x", BROKE + "it sent CALL which is not its to send")],
    "more-of-ping": [("append x", BROKE + "a frame PING in pieces")],
    "other-piece": [("append x", BROKE + "a frame FAULT between the pieces of the message RESULT")],
    "many-pieces": [("append x", BROKE + "more than 1024 messages in pieces")],
    "over-credit": [("append x", BROKE + r"it sent \d+ bytes with credit for \d+")],
    "endless-message": [("append x", BROKE + "a message RESULT of more than 64 MiB")],
    "too-much-back": [("append x", BROKE + "it gave back credit for 1073741824 bytes")],
    "next-of-nobody": [("append x", BROKE + r"a NEXT 1 of the call \d+, which it does not have")],
    "next-elsewhere": [("append x", BROKE + "a NEXT for function 0 of interface 7")],
    "next-of-a-kind": [("append x", BROKE + "a string that goes on behind")],
    "next-with-a-handle": [("append x", BROKE + "a NEXT with the handle 78, which it was not lent")],
    "drops-nothing": [("append x", BROKE + "it dropped the handle 2, which it does not hold")],
    "handle-zero": [("open x", BROKE + "its answer to 'open': handle 0, which is none")],
    "handle-of-others": [("open x", BROKE + "its answer to 'open': it answered with the handle 2 of another")],
    "handle-twice": [("open x", "ok 0"),
                     ("open x", BROKE + "its answer to 'open': it gave the handle 5 a second time"),
                     ("get 0", "the handle is of a process of the sidecar 'journal' that has ended; get a new one")],
    "bad-log": [("append x", BROKE + "a LOG that is none")],
    "floods-the-log": [("append x", "ok 1")],
    "floods-stderr": [("append x", "ok 1")],
    "floods-and-chats": [("append x", BROKE + 'something that is no frame came between frames: "debug: got a call')],
    "floods-at-the-end": [("append x", "ok 1")],
    "floods-ping": [("append x", "ok 1")],
    "next-while-next-is-answered": [("append x", "ok 1005")],
    "answers-while-next-is-answered": [("append x", "ok 7")],
    "long-next": [("append x", "ok 9437189")],
    "naps-of-next": [("append x", "the sidecar 'journal' did not answer within 0.3 s")],
    "floods-next": [("append x", BROKE + "more than 1024 NEXT at a time")],
    "floods-next-of-a-call-that-was-given-up": [("append x", "the sidecar 'journal' did not answer within 2 s"),
                                                ("append x", BROKE + "it reads too little")],
    "pings-and-does-not-read": [("append x", BROKE + "it reads too little")],
    "later-versions": [("append x", "ok 42")],
    "ignores": [("append x", "the sidecar 'journal' did not answer within 0.3 s; give it longer with call-timeout")],
    "is-late": [("append x", "the sidecar 'journal' did not answer within 0.3 s")],
}
OPTIONS = {"ignores": ["call-timeout=300ms"], "is-late": ["call-timeout=300ms"],
           "naps-of-next": ["chain", "call-timeout=300ms"],
           "floods-next-of-a-call-that-was-given-up": ["chain", "call-timeout=2s"],
           "long-next": ["chain", "call-timeout=8s"]} | {
    mode: ["chain"] for mode in ("next-while-next-is-answered", "answers-while-next-is-answered", "floods-next", "over-credit")}
# What must not hold up anybody for long.
FLOODS = ["floods-and-chats", "floods-at-the-end", "naps-of-next"]
# Where a function has no place for an error, the component ends, and the next one is served.
NO_PLACE = ["bad-text", "exits-now", "chats-between"]


def hostile(world, mode):
    return Driver(world, ["python3", HOSTILE, "{home}/was-here", mode], OPTIONS.get(mode, []))


def start_case(world, mode, expected):
    with hostile(world, mode) as d:
        said = d.line()
        status, wrong = d.end()
        good = re.match("cannot " + expected, said) is not None and status == 1 and not wrong
        return Result(f"sidecar/start {mode}", good, f"expected: cannot {expected}\ngot: {said}\nstatus {status}\n"
                                                     f"{wrong}{d.log()[-2000:]}")


def answer_is(said, expected):
    """`unavailable` before what is not `ok`."""
    return any(re.match(e if e.startswith("ok") else "unavailable " + e, said) for e in expected.split("|"))


def call_case(world, mode, asked):
    with hostile(world, mode) as d:
        detail, good = "", d.line() == "ready"
        for what, expected in asked:
            said = d.ask(what)
            good = good and answer_is(said, expected)
            detail += f"{what}: {said}\n    expected: {expected}\n"
        # One that hangs is found out within 10 s, one that writes and writes at once.
        until = time.monotonic() + (5 if mode in FLOODS else 15)
        while not (said := d.ask("plain x")).startswith("ok") and time.monotonic() < until:
            detail += f"plain x: {said}\n"
        status, wrong = d.end()
        good = good and said in ("ok plain", "ok \x01") and status == 0 and not wrong
        good = good and (mode not in FLOODS or time.monotonic() < until + 5)
        return Result(f"sidecar/call {mode}", good,
                      f"{detail}plain x: {said}\nstatus {status}\n{wrong}{d.log()[-2000:]}")


def no_place_case(world, mode):
    with hostile(world, mode) as d:
        detail = [d.line(), d.ask("plain x"), d.ask("append x")]
        status, wrong = d.end()
        good = (detail[0] == "ready" and detail[1].startswith("failed trap 'side' was ended in plain") and
                detail[2] == "ok 1" and status == 0 and not wrong)
        return Result(f"sidecar/no place {mode}", good, "\n".join(detail) + f"\nstatus {status}\n{wrong}{d.log()[-2000:]}")


# --- a good one ------------------------------------------------------------------------

def conversation(title, sidecar, asked, options=(), log=()):
    """(what, answer) in order; patterns that the log has; patterns that it has not, after a '!'."""
    def run(world):
        with Driver(world, sidecar or [(world.build / "tests/sidecar_journal").resolve()], options) as d:
            detail = d.line() + "\n"
            good = detail == "ready\n"
            for what, expected in asked:
                said = d.ask(what)
                good = good and re.fullmatch(expected, said) is not None
                detail += f"{what}: {said}\n    expected: {expected}\n"
            status, wrong = d.end()
            text = d.log()
            for pattern in log:
                if (re.search(pattern.lstrip("!"), text) is None) != pattern.startswith("!"):
                    good, detail = False, detail + f"the log: {pattern}\n"
            return Result(f"sidecar/{title}", good and status == 0 and not wrong,
                          f"{detail}status {status}\n{wrong}{text[-3000:]}")
    return run


SERVED = ["python3", JOURNAL, "{home}/journal"]
CONVERSATIONS = [
    conversation("serves", SERVED, [
        ("append one", "ok 1"), ("append two", "ok 2"), ("plain you", "ok hello you"), ("echo 0", "ok 0"),
        ("echo 70000", "ok 70000"), ("echo 9000000", "ok 9000000"), ("append refuse", "refused not that"),
        ("open abc", "ok 0"), ("get 0", "ok 103"), ("open d", "ok 1"), ("get 1", "ok 201"), ("close 0", "ok 0"),
        ("get 1", "ok 101"), ("take 1", "ok 1"),
        ("append fault", r"failed internal in append of .*: the journal is broken: it was told to \(tell it otherwise\)"),
        ("append after", "ok 3")]),
    conversation("options", SERVED, [("plain you", "ok good day you")], ["greeting=good day"]),
    conversation("is logged", SERVED, [("append log", "ok 1")], log=[
        r"warn  journal/tiny: asked to say so n=3\n", r"info  journal/stderr: and on stdout\n",
        r"info  journal/stderr: and on stderr\n"]),
    conversation("starts again", SERVED, [
        ("append one", "ok 1"), ("open abc", "ok 0"),
        ("append die-before", "unavailable the sidecar 'journal' ended: it was killed by signal 9; .*"),
        ("get 0", "unavailable the handle is of a process .*"), ("append two", "ok 2"),
        ("append die-after", "unavailable the sidecar 'journal' ended.*"), ("append three", "ok 4")],
        log=[r"warn  journal/sidecar: the sidecar ended: it was killed by signal 9"]),
    conversation("has a budget", SERVED, [
        ("append die-before", "unavailable .*"), ("append die-before", "unavailable .*"),
        ("append die-before", "unavailable .*killed by signal 9.*"),
        ("append x", "unavailable the sidecar 'journal' has ended 3 times within a minute, and is not started again for "
                     "now: the sidecar 'journal' ended: it was killed by signal 9; .*")],
        ["restarts=2"]),
    conversation("in C, over shared memory", None, [
        ("append a", "ok 1"), ("echo 65536", "ok 65536"), ("echo 5000000", "ok 5000000"),
        ("echo 33000000", "ok 33000000"), ("echo 1000000", "ok 1000000"), ("open abc", "ok 0"), ("open d", "ok 1"),
        ("take 1", "ok 1"), ("get 0", "ok 103"), ("close 0", "ok 0"), ("open zz", "ok 0"), ("get 0", "ok 202")], ["chain"]),
    conversation("the next of a chain", None, [
        ("append a", "ok 1"), ("append next hello", "ok 1005"), ("plain hi", "ok C has hi")], ["chain"]),
    conversation("a deadline of a sidecar that can be cancelled", None, [
        ("append patient", "unavailable the sidecar 'journal' did not answer within 2 s; .*"), ("append a", r"ok \d"),
        ("append slow 3", "unavailable .*"), ("append b", r"ok \d"), ("echo 100000", "ok 100000")],
        ["chain", "call-timeout=2s"]),
    conversation("hands over what it was lent", ["python3", HOSTILE, "{home}/was-here", "hands-over-what-it-was-lent"], [
        ("open abc", "ok 0"), ("get 0", "unavailable " + BROKE + "a NEXT that hands over the handle 2, which it was only "
                                        "lent.*"), ("close 0", "ok 0")], ["chain"]),
    conversation("takes one for the other", ["python3", HOSTILE, "{home}/was-here", "takes-one-for-the-other"], [
        ("open abc", "ok 0"), ("get 0", "unavailable " + BROKE + "a NEXT with the handle 2, which it was not lent.*"),
        ("close 0", "ok 0")], ["chain"]),
    *(conversation(title, ["python3", HOSTILE, "{home}/was-here", mode], asked, options, log)
      for title, mode, asked, options, log in (
          ("a deadline is told", "says-its-deadline", [("append x", r"ok (\d{3}|1\d\d\d|200[01])")], ["call-timeout=2s"], []),
          ("leaves calls without an answer", "leaves-all", [("append x", "unavailable .*did not answer within.*")] * 65,
           ["call-timeout=50ms"], ["broke the protocol and was ended: it left 64 calls without an answer"]),
          ("leaves fewer calls without an answer", "leaves-all",
           [("append x", "unavailable .*did not answer within.*")] * 64, ["call-timeout=50ms"], ["!without an answer"]),
          ("is another at its second start", "exits-for-another", [
              ("append x", "unavailable .*it exited with status 0.*"),
              ("append x", "unavailable .*its WELCOME is another than that of its first start; it must be the same.*")],
           [], []),
          ("bears one call", "bears-one", [("append x", "unavailable .*did not answer.*"), ("append x", "ok 1")],
           ["call-timeout=300ms"], []),
          ("a handle that comes late is dropped", "is-late-with-a-thing", [
              ("open x", "unavailable .*did not answer.*"), ("append x", "ok 5")], ["call-timeout=300ms"], []),
          ("shared memory is released", "shares", [("echo 100000", "ok 100000"), ("append x", "ok 1")], [], []),
          ("its half of the shared memory", "shares-what-is-not-its-own", [
              ("echo 100000", "unavailable " + BROKE + ".*beyond its half of the shared memory.*")], [], []))),
    conversation("rate of a log", ["python3", HOSTILE, "{home}/was-here", "floods-the-log"], [("append x", "ok 1")],
                 log=[r"lines of its log were left out: at most 1000 a second"]),
    conversation("lines of stderr", ["python3", HOSTILE, "{home}/was-here", "floods-stderr"], [("append x", "ok 1")],
                 log=[r"stderr: x{4096}\.\.\.\n", "!x{4097}", r"\?\[2J\n", "!\x1b"]),
]


# --- a host that dies ------------------------------------------------------------------

def killed_host(world, busy):
    with Driver(world, ["python3", JOURNAL.with_name("daemons.py"), "{home}/journal"]) as d:
        good = d.line() == "ready" and d.ask("append x") == "ok 1"
        if busy:
            print("append slow 5", file=d.process.stdin, flush=True)
        until = time.monotonic() + 20
        while len(before := marked(d.mark)) < 10 and time.monotonic() < until:
            time.sleep(0.02)
        d.process.kill()
        d.process.wait()
        after = left_over(d.mark)
        return Result(f"sidecar/kill -9 of a host{' in a call' if busy else ''}",
                      good and len(before) >= 10 and not after,
                      f"before: {before}\nafter: {after}\n{d.log()[-2000:]}")


# --- many at once ----------------------------------------------------------------------

def hammer(world, title, form):
    """`form` is what tests/sidecar/hammer.c takes, "FILE" the journal's own."""
    seconds = os.environ.get("LOOP_HAMMER_SECONDS", "5")
    home = common.fresh_folder(world, "hammer-")
    mark = f"LOOP_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    journal = str(home / "journal")
    env = environment(world, home, mark) | {"JOURNAL_FILE": journal}
    status, out, err = common.run(
        [str(world.build / "tests/sidecar_hammer"), str(world.components / "guests/side.wasm"), journal, seconds,
         *[journal if word == "FILE" else str(word) for word in form]], env=env, timeout=float(seconds) + 600)
    left = left_over(mark)
    common.remove(home)
    detail = out.decode(errors="replace") + err.decode(errors="replace")[-3000:]
    return Result(f"sidecar/20 guests, {title}", status == 0 and not left, f"{detail}left: {left}\n")


def jobs(world):
    for mode, expected in STARTS.items():
        yield lambda mode=mode, expected=expected: start_case(world, mode, expected)
    for mode, asked in CALLS.items():
        yield lambda mode=mode, asked=asked: call_case(world, mode, asked)
    for mode in NO_PLACE:
        yield lambda mode=mode: no_place_case(world, mode)
    for run in CONVERSATIONS:
        yield lambda run=run: run(world)
    for busy in (False, True):
        yield lambda busy=busy: killed_host(world, busy)
    tests = world.build / "tests"
    yield lambda: hammer(world, "linked in", ["linked-in"])
    yield lambda: hammer(world, "a library", ["library", tests / "journal_library.so"])
    yield lambda: hammer(world, "a sidecar in C, random kills", ["sidecar", tests / "sidecar_journal"])
    yield lambda: hammer(world, "a sidecar in Python, random kills", ["sidecar", sys.executable, JOURNAL, "FILE"])
