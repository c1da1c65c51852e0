"""Sidecars that do what none should; tests/lib/sidecar.py says what a host makes of each.

    hostile.py FILE MODE

The first start is hostile and leaves FILE; where it is there already, the sidecar is a good one.
"""

import fcntl
import mmap
import os
import select
import signal
import sys
import time

import tiny
from tiny import wire

CALLS, STARTS = {}, {}


def call(f):
    """Does something instead of an answer: f(number, function)."""
    CALLS[f.__name__.replace("_", "-")] = f
    return f


def start(f):
    """Does something instead of a handshake."""
    STARTS[f.__name__.replace("_", "-")] = f
    return f


def ok(number, n=1):
    tiny.send(tiny.RESULT, number, b"\0" + wire.leb(n))


# --- the handshake ---------------------------------------------------------------------

@start
def silent():
    time.sleep(60)


@start
def exits():
    print("no such database\nsee the manual", file=sys.stderr, flush=True)
    sys.exit(3)


@start
def exits_well():
    sys.exit(0)


@start
def chats():
    tiny.raw(b"Hello, I am a sidecar!\n")
    time.sleep(60)


@start
def torn_header():
    tiny.raw(b"\x05\x00")
    os._exit(0)


@start
def torn_welcome():
    tiny.raw(wire.frame(tiny.WELCOME, 0, tiny.welcome())[:-7])
    os._exit(0)


@start
def long_welcome():
    tiny.raw(tiny.word(0x7fffffff) + b"\x01\x00lp" + tiny.word(0))
    time.sleep(60)


@start
def other_magic():
    tiny.handshake(magic="sidecar")


@start
def other_version():
    tiny.handshake(protocols=[9, 10])


@start
def no_interface():
    tiny.handshake(interfaces=[])


def one_interface(functions, resources=()):
    tiny.handshake(interfaces=[{"name": "test:side/journal", "version": "0.1.0", "resources": list(resources),
                                "functions": functions}])


@start
def bad_type():
    one_interface([{"name": "append", "type": "(string)->list<", "implemented": True}])


@start
def deep_type():
    text = "list<" * 100 + "u8" + ">" * 100
    one_interface([{"name": "append", "type": f"({text})", "implemented": True}])


@start
def other_type():
    """Another than the component's: told before anything runs."""
    one_interface([{"name": n, "type": t.replace("u32", "u64"), "implemented": True} for n, t in tiny.FUNCTIONS],
                  ["thing", "other"])


@start
def twice_the_function():
    one_interface([{"name": "append", "type": "()", "implemented": True}] * 2)


@start
def strange_name():
    tiny.handshake(name="a\x1b[31mb")


@start
def little_credit():
    tiny.handshake(credit=1000)


@start
def own_option():
    tiny.handshake(options=[{"name": "restarts", "type": "number", "values": "", "fallback": None, "help": ""}])


@start
def welcome_twice():
    tiny.handshake(ready=False)
    tiny.send(tiny.WELCOME, 0, tiny.welcome())
    time.sleep(60)


@start
def ready_first():
    tiny.send(tiny.READY)
    time.sleep(60)


@start
def fails():
    tiny.handshake(ready=False)
    tiny.send(tiny.FAIL, 0, wire.encode(tiny.FAULT_TYPE, {
        "code": "io", "messages": ["cannot open the store", "the disk is full"], "hint": {"some": "make room"}}))
    time.sleep(60)


@start
def is_absent():
    tiny.handshake(ready=False)
    tiny.send(tiny.FAIL, 0, wire.encode(tiny.FAULT_TYPE, {
        "code": "unavailable", "messages": ["there is no camera"], "hint": None}))
    time.sleep(60)


@start
def exits_before_ready():
    tiny.handshake(ready=False)
    print("lost my keys", file=sys.stderr, flush=True)
    sys.exit(4)


# --- calls -----------------------------------------------------------------------------

@call
def short_answer(number, _):
    tiny.send(tiny.RESULT, number, b"\0")


@call
def long_answer(number, _):
    tiny.send(tiny.RESULT, number, b"\0\1\2\3")


@call
def no_such_case(number, _):
    tiny.send(tiny.RESULT, number, b"\1\5")


@call
def bad_text(number, _):
    tiny.send(tiny.RESULT, number, b"\1\1\2\xff\xff")


@call
def endless_text(number, _):
    tiny.send(tiny.RESULT, number, b"\1\1\xfe\xff\xff\xff\x0f")


@call
def not_shared(number, _):
    tiny.send(tiny.RESULT, number, b"\1\1\xff\xff\xff\xff\x0f\0\4")


@call
def answer_of_nobody(number, _):
    tiny.send(tiny.RESULT, number + 90, b"\0\1")


@call
def odd_answer(number, _):
    tiny.send(tiny.RESULT, 3, b"\0\1")


@call
def answers_twice(number, _):
    ok(number)
    ok(number)


@call
def bad_fault(number, _):
    tiny.send(tiny.FAULT, number, b"\xff\xff\xff")


@call
def empty_fault(number, _):
    tiny.fault(number, "internal")


@call
def chats_between(number, _):
    tiny.raw(b"debug: got a call\n")
    ok(number)


@call
def tears(number, _):
    tiny.raw(wire.frame(tiny.RESULT, number, bytes(100))[:50])
    os._exit(0)


@call
def exits_now(number, _):
    os._exit(0)


@call
def aborts(number, _):
    os.abort()


@call
def closes_stdout(number, _):
    os.close(tiny.STDOUT)
    time.sleep(60)


@call
def long_frame(number, _):
    tiny.raw(tiny.word(0x00100001) + b"\x14\x00lp" + tiny.word(number) + b"x" * 100)
    time.sleep(60)


@call
def strange_flags(number, _):
    tiny.raw(tiny.word(0) + b"\x14\x80lp" + tiny.word(number))
    time.sleep(60)


@call
def strange_type(number, _):
    tiny.send(0x50, number)


@call
def calls_the_host(number, _):
    tiny.send(tiny.CALL, 1, bytes(5))


@call
def more_of_ping(number, _):
    tiny.raw(wire.frame(tiny.PING, 0, b"", wire.MORE))


@call
def other_piece(number, _):
    tiny.raw(wire.frame(tiny.RESULT, number, b"\0", wire.MORE))
    tiny.raw(wire.frame(tiny.FAULT, number, b"\0"))


@call
def many_pieces(number, _):
    tiny.raw(b"".join(wire.frame(tiny.RESULT, 2 * n, b"\0", wire.MORE) for n in range(1, 1100)))


@call
def over_credit(number, _):
    line = b"nap" + bytes((1 << 20) - 20)  # a provider takes its time: what waits is not given back
    for other in range(6):
        tiny.raw(wire.frame(tiny.NEXT, 2 * other + 1, names(number, "append", wire.leb(len(line)) + line)))


@call
def endless_message(number, _):
    for _ in range(70):
        while tiny.credit < 1 << 20:
            tiny.read_frame()
        tiny.credit -= 1 << 20
        tiny.raw(wire.frame(tiny.RESULT, number, bytes(1 << 20), wire.MORE))


@call
def too_much_back(number, _):
    tiny.send(tiny.CREDIT, 0, wire.leb(1 << 30))


@call
def next_of_nobody(number, _):
    tiny.send(tiny.NEXT, 1, wire.leb(number + 90) + bytes(3))


@call
def next_elsewhere(number, _):
    tiny.send(tiny.NEXT, 1, wire.leb(number) + b"\x07\0\0")


@call
def next_of_a_kind(number, _):
    tiny.send(tiny.NEXT, 1, wire.leb(number) + b"\0\0\x05ab")


@call
def next_with_a_handle(number, _):
    tiny.send(tiny.NEXT, 1, names(number, "[method]thing.get", wire.leb(78)))


@call
def drops_nothing(number, _):
    tiny.send(tiny.DROP, 0, b"\0\0\x02")


@call
def handle_zero(number, _):
    ok(number, 0)


@call
def handle_of_others(number, _):
    ok(number, 2)


@call
def handle_twice(number, _):
    ok(number, 5)
    _, number, _ = tiny.read()
    ok(number, 5)


@call
def bad_log(number, _):
    tiny.send(tiny.LOG, number, b"\xff\xff")


@call
def floods_the_log(number, _):
    for i in range(20000):
        tiny.log("info", f"entry {i}", number)
    ok(number)


@call
def floods_stderr(number, _):
    for i in range(3000):
        os.write(2, b"x" * 10000 + b"\n\x1b[2J\n")
    ok(number)


def flood_stderr():
    """Without end, and faster than anybody reads it: the pipe is never empty."""
    fcntl.fcntl(2, 1031, 1 << 20)  # F_SETPIPE_SZ
    while True:
        os.write(2, b"x\n" * 32768)


@call
def floods_and_chats(number, _):
    """What is to be ended writes on and on."""
    if os.fork() == 0:
        flood_stderr()
    time.sleep(0.2)
    tiny.raw(b"debug: got a call\n")
    time.sleep(60)


@call
def floods_at_the_end(number, _):
    """Does not hear that it shall end, for all that it has to say."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ok(number)
    _, number, payload = tiny.read()
    tiny.result(number, tiny.call_of(payload)[2], "plain")
    try:
        tiny.read()
    except SystemExit:
        flood_stderr()


@call
def floods_ping(number, _):
    for i in range(20000):
        tiny.send(tiny.PING, i)
    ok(number)


@call
def ignores(number, _):
    time.sleep(60)


def names(number, function, arguments=b""):
    """The payload of NEXT."""
    return wire.leb(number) + b"\0" + wire.leb([n for n, _ in tiny.FUNCTIONS].index(function)) + arguments


def wait_for(*wanted):
    """The answers of those NEXT."""
    found = {}
    while not set(wanted) <= set(found):
        kind, number, payload = tiny.read()
        found[number] = (kind, payload)
    return [found[n] for n in wanted]


MUCH = b"\0" * (1 << 20)  # more than a pipe takes at once


@call
def next_while_next_is_answered(number, _):
    tiny.send(tiny.NEXT, 1, names(number, "echo", wire.leb(len(MUCH)) + MUCH))
    time.sleep(0.2)  # the host waits until its answer is read
    tiny.send(tiny.NEXT, 3, names(number, "append", b"\1x"))
    (_, much), (_, little) = wait_for(1, 3)
    ok(number, len(much) - len(MUCH) + tiny.numbers(little[1:], 1)[0][0])


@call
def answers_while_next_is_answered(number, _):
    tiny.send(tiny.NEXT, 1, names(number, "echo", wire.leb(len(MUCH)) + MUCH))
    time.sleep(0.2)
    ok(number, 7)
    wait_for(1)


@call
def long_next(number, _):
    """More than its credit."""
    size = 9 << 20
    tiny.send(tiny.NEXT, 1, names(number, "echo", wire.leb(size) + bytes(size)))
    [(_, answer)] = wait_for(1)
    ok(number, len(answer))


@call
def naps_of_next(number, function):
    """The next of the chain takes 20 ms each time: 6 s."""
    if late:
        tiny.result(number, function, "plain")
        return
    late.append(number)
    for n in range(300):
        tiny.send(tiny.NEXT, 2 * n + 1, names(number, "append", b"\3nap"))


@call
def floods_next(number, _):
    one = wire.frame(tiny.NEXT, 1, names(number, "append", b"\3nap"))
    while True:
        tiny.raw(one * 1000)


@call
def floods_next_of_a_call_that_was_given_up(number, _):
    time.sleep(2.5)
    one = wire.frame(tiny.NEXT, 1, names(number, "append", b"\1x"))
    while True:
        tiny.raw(one * 1000)


@call
def pings_and_does_not_read(number, _):
    one = wire.frame(tiny.PING, 1, b"")
    while True:
        tiny.raw(one * 1000)


@start
def hands_over_what_it_was_lent():
    pass_on("take")


@start
def takes_one_for_the_other():
    pass_on("[method]other.get")


def pass_on(function):
    """Its own chain makes the things; the first call of `get` asks something else of the next."""
    tiny.handshake(implemented=["[method]thing.get"])
    _, number, payload = tiny.read_call()
    lent = tiny.call_of(payload)[4]
    tiny.send(tiny.NEXT, 1, names(number, function, lent))
    wait_for(1)
    ok(number)


late = []


@call
def is_late(number, function):
    if late:
        tiny.result(number, function, "plain")
        return
    late.append(number)
    time.sleep(0.5)
    ok(number, 7)


@call
def later_versions(number, _):
    """What a later version may send is no error."""
    tiny.send(0x90, number, b"whatever")
    tiny.send(tiny.CANCEL, 5, b"\0\0")
    tiny.send(tiny.RELEASE, 55)
    ok(number, 42)


# --- what a host must keep to ----------------------------------------------------------

def more_frames(seconds):
    """Those that come within that time."""
    until = time.monotonic() + seconds
    while select.select([tiny.STDIN], [], [], max(0, until - time.monotonic()))[0]:
        yield tiny.read_frame()


@call
def says_its_deadline(number, _):
    ok(number, said[3])


@call
def leaves_all(number, _):
    pass


@call
def exits_for_another(number, _):
    os._exit(0)


@start
def bears_one():
    """Answers with 666 where a second call came while the first was there."""
    tiny.handshake(calls=1)
    _, first, _ = tiny.read_call()
    second = [number for kind, number, _, _ in more_frames(0.45) if kind == tiny.CALL]
    ok(first)
    for number in second:
        ok(number, 666)


@start
def is_late_with_a_thing():
    """The next call is answered with the handle that was dropped."""
    tiny.handshake()
    _, first, _ = tiny.read_call()
    time.sleep(0.35)
    ok(first, 5)
    calls, dropped = [], 0
    for kind, number, _, payload in more_frames(0.15):
        if kind == tiny.DROP:
            dropped = tiny.numbers(payload, 3)[0][2]
        if kind == tiny.CALL:
            calls.append(number)
    for number in calls:
        ok(number, dropped)


def share(half):
    """Answers `echo` with a reference, and the next call with how often it was released."""
    size = tiny.handshake(capabilities=["shared-memory"])["shared"]
    memory = mmap.mmap(int(os.environ["LOOP_SIDECAR_FD"]), size)
    _, number, payload = tiny.read_call()
    (none, offset, length), _ = tiny.numbers(tiny.call_of(payload)[4], 3)
    assert none == 0xffffffff and offset + length <= size // 2
    to = size // 2 if half == "upper" else 0
    memory[to:to + length] = memory[offset:offset + length]
    tiny.send(tiny.RESULT, number, b"\0" + wire.leb(none) + wire.leb(to) + wire.leb(length))
    released = 0
    while True:
        kind, other, _ = tiny.read()
        released += kind == tiny.RELEASE and other == number
        if kind == tiny.CALL:
            ok(other, released)


@start
def shares():
    share("upper")


@start
def shares_what_is_not_its_own():
    share("lower")


# --- what is good ----------------------------------------------------------------------

def serve(misdeed=None):
    global said
    while True:
        kind, number, payload = tiny.read()
        if kind == tiny.PING:
            tiny.send(tiny.PONG, number)
        if kind != tiny.CALL:
            continue
        said = tiny.call_of(payload)
        _, name, function, _, arguments = said
        if misdeed:
            misdeed(number, function)
        elif name == "plain":
            tiny.result(number, function, "plain")
        else:
            ok(number)


def main():
    file, mode = sys.argv[1:]
    first = not os.path.exists(file)
    open(file, "w").close()
    if first and mode in STARTS:
        STARTS[mode]()
        serve()
    tiny.handshake(**{"name": "another"} if mode == "exits-for-another" and not first else {})
    serve(CALLS[mode] if first and mode in CALLS else None)


main()
