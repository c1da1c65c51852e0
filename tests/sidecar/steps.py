"""Sidecars that take part in a swap, each in its own wrong way; sidecar/step_test.c runs them.

    steps.py MODE

Their state is four letters, and each object's is "thing".
"""

import os
import sys
import time

import tiny
from tiny import CALL, CREDIT, DROP, FAULT, PING, PONG, RESULT, fault, numbers, raw, read, read_frame, send, wire

QUIESCE, RESUME, SAVE, RESTORE, STATE, SAVE_OBJECT, RESTORE_OBJECT = range(0x30, 0x37)
MODE = sys.argv[1]


def state(number, data, more=False):
    raw(wire.frame(STATE, number, data, wire.MORE if more else 0))


def save(number):
    if MODE == "dies-in-save":
        state(number, b"ab", True)
        print("lost a page")
        sys.stdout.flush()
        os._exit(9)
    if MODE == "hangs-in-save":
        state(number, b"ab", True)
        return
    if MODE == "early-result":
        state(number, b"ab", True)
        send(RESULT, number)
        return
    if MODE == "no-state":
        send(RESULT, number)
        return
    if MODE == "fault-in-save":
        state(number, b"ab", True)
        fault(number, "io", "cannot read the store", "the disk is gone", hint="look at the disk")
        return
    if MODE == "late-fault":
        state(number, b"abcd")
        fault(number, "io", "cannot read the store")
        return
    if MODE == "without-credit":
        for _ in range(6):
            state(number, bytes(1 << 20), True)
    if MODE == "slow":
        for letter in b"abcd":
            time.sleep(0.3)
            state(number, bytes([letter]), True)
        state(number, b"")
    else:
        state(number, b"ab", True)
        state(number, b"cd")
    if MODE == "state-behind":
        state(number, b"e")
    send(RESULT, number, b"x" if MODE == "long-result" else b"")


def restore(number):
    if MODE == "hangs-in-restore":
        time.sleep(60)
    if MODE == "dies-in-restore":
        read_frame()
        os._exit(7)
    if MODE == "early-answer":
        send(RESULT, number)
        return
    if MODE == "refuses":
        fault(number, "denied", "there is a state already")
        return
    while read_frame()[2] & wire.MORE:
        pass
    send(RESULT, number)
    if MODE == "dies-after-restore":
        time.sleep(0.1)
        os._exit(5)


HANDLES = {"even-handle": 8, "no-handle": 0, "large-handle": (1 << 53) + 1, "same-handle": 7}
made = 1


def restore_object(number):
    global made
    read_frame()
    made += 2
    send(RESULT, number, wire.leb(HANDLES.get(MODE, made)) + (b"x" if MODE == "long-handle" else b""))


def save_object(number):
    if MODE == "large-object":
        state(number, bytes((64 << 10) + 1))
    elif MODE == "object-in-pieces":
        state(number, b"thi", True)
    elif MODE == "fixed-object":
        fault(number, "unavailable", "it cannot be moved")
    else:
        state(number, b"thing")
    send(RESULT, number)


def call(number, payload):
    _, name, function, _, _ = tiny.call_of(payload)
    if name == "append":
        tiny.result(number, function, {"ok": 1})
    elif name == "open":
        tiny.result(number, function, {"ok": 1001})
    else:
        fault(number, "invalid", "not here")


def main():
    able = {"no-state-at-all": [], "copy-alone": ["state-copy"], "copies": ["state", "state-copy"]}.get(MODE, ["state"])
    tiny.handshake(capabilities=able, credit=4 << 20)
    while True:
        kind, number, payload = read()
        if kind == PING and MODE != "silent":
            send(PONG, number)
        elif kind == CALL:
            call(number, payload)
        elif kind == QUIESCE:
            if MODE == "stray-state":
                state(2, b"abcd")
            send(RESULT, number)
        elif kind == SAVE:
            save(number)
        elif kind == RESTORE:
            restore(number)
        elif kind == SAVE_OBJECT:
            save_object(number)
        elif kind == RESTORE_OBJECT:
            restore_object(number)
        elif kind not in (CREDIT, DROP, RESUME, STATE, PING, FAULT, tiny.CALLER, tiny.CALLER_GONE):
            os._exit(2)


main()
