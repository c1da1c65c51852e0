"""Frames by hand, for sidecars that tests need: good ones and bad ones.

Written on sidecar/conformance/wire.py, not on an SDK: what is wrong here must be wrong in
exactly one place.
"""

import os
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sidecar/conformance"))
import wire  # noqa: E402

STDIN, STDOUT = os.dup(0), os.dup(1)  # what is printed goes to stderr
os.dup2(2, 1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

WELCOME, START, READY, FAIL = 1, 2, 3, 4
CALLER, CALLER_GONE, CALL, NEXT, RESULT, FAULT, CANCEL, DROP, RELEASE = range(0x10, 0x19)
CREDIT, PING, PONG = 0x20, 0x21, 0x22
LOG = 0x80

ERROR = "variant{unavailable(string),refused(string)}"
THING = "test:side/journal.thing"
FUNCTIONS = [
    ("append", f"(string)->result<u32,{ERROR}>"),
    ("echo", f"(list<u8>)->result<list<u8>,{ERROR}>"),
    ("plain", "(string)->string"),
    ("open", f"(string)->result<own<{THING}>,{ERROR}>"),
    ("take", f"(own<{THING}>)->result<u32,{ERROR}>"),
    ("[method]other.get", f"(borrow<test:side/journal.other>)->result<u32,{ERROR}>"),
    ("[method]thing.get", f"(borrow<{THING}>)->result<u32,{ERROR}>"),
]
RESULTS = [wire.parse_type(t.split("->")[1]) for _, t in FUNCTIONS]
WELCOME_TYPE = wire.parse_type(
    "record{magic:string,protocols:list<u32>,name:string,version:string,summary:string,dev-only:bool,"
    "credit:u32,calls:u32,capabilities:list<string>,options:list<record{name:string,type:string,values:string,"
    "fallback:option<string>,help:string}>,interfaces:list<record{name:string,version:string,functions:"
    "list<record{name:string,type:string,implemented:bool}>,resources:list<string>}>}")
START_TYPE = wire.parse_type(
    "record{protocol:u32,host:string,capabilities:list<string>,credit:u32,shared:u32,"
    "log:enum{trace,debug,info,warn,error},deadline:u32,options:list<tuple<string,string>>}")
CALLER_TYPE = wire.parse_type("record{component:string,identity:string,instance:u64,storage:u64,storage-why:string}")
FAULT_TYPE = wire.parse_type("record{code:string,messages:list<string>,hint:option<string>}")
LOG_TYPE = wire.parse_type(
    "record{level:enum{trace,debug,info,warn,error},wall-ms:u64,target:string,message:string,fields:"
    "list<record{name:string,value:variant{text(string),integer(s64),number(f64),boolean(bool)}}>}")


def raw(data):
    while data:
        data = data[os.write(STDOUT, data):]


def send(kind, number=0, payload=b""):
    """A message, in pieces where it is long, as far as there is credit."""
    global credit
    while True:
        piece, payload = payload[:PIECE], payload[PIECE:]
        while kind > FAIL and kind != CREDIT and credit < len(piece):
            later.append(read_frame())
        if kind > FAIL and kind != CREDIT:
            credit -= len(piece)
        raw(wire.frame(kind, number, piece, wire.MORE if payload else 0))
        if not payload:
            return


def read_exactly(n):
    data = b""
    while len(data) < n:
        more = os.read(STDIN, n - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


PIECE = 256 << 10
owed, credit = 0, 0
later = []  # frames that came while something else was waited for


def read_frame():
    """(type, id, flags, payload) of a frame; gives credit back, and takes it."""
    global owed, credit
    length, kind, flags, _, number = wire.HEADER.unpack(read_exactly(12))
    payload = read_exactly(length)
    if kind == CREDIT:
        credit += numbers(payload, 1)[0][0]
    elif kind > FAIL:
        owed += length
    if owed >= 1 << 20:
        send(CREDIT, 0, wire.leb(owed))
        owed = 0
    return kind, number, flags, payload


def read():
    """(type, id, payload) of a message."""
    whole = b""
    while True:
        kind, number, flags, payload = later.pop(0) if later else read_frame()
        whole += payload
        if not flags & wire.MORE:
            return kind, number, whole


def read_call():
    """The next message that is a CALL."""
    while (message := read())[0] != CALL:
        pass
    return message


def welcome(name="journal", implemented=None, **changes):
    value = {
        "magic": "loop-sidecar", "protocols": [1], "name": name, "version": "1", "summary": "", "dev-only": False,
        "credit": 2 << 20, "calls": 0, "capabilities": [], "options": [],
        "interfaces": [{"name": "test:side/journal", "version": "0.1.0", "resources": ["thing", "other"], "functions": [
            {"name": n, "type": t, "implemented": implemented is None or n in implemented} for n, t in FUNCTIONS]}]}
    return wire.encode(WELCOME_TYPE, value | changes)


def numbers(payload, count):
    """`count` LEB128 numbers, and what is left."""
    found = []
    for _ in range(count):
        n = shift = 0
        while True:
            byte, payload = payload[0], payload[1:]
            n |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        found.append(n)
    return found, payload


def call_of(payload):
    """caller, name of the function, its number, deadline, arguments."""
    (caller, _, function, deadline, _), rest = numbers(payload, 5)
    return caller, FUNCTIONS[function][0], function, deadline, rest


def text_of(arguments):
    (length,), rest = numbers(arguments, 1)
    return rest[:length].decode()


def result(number, function, value):
    send(RESULT, number, wire.encode(RESULTS[function], value))


def fault(number, code, *messages, hint=None):
    send(FAULT, number, wire.encode(FAULT_TYPE, {"code": code, "messages": list(messages),
                                                 "hint": {"some": hint} if hint else None}))


def log(level, message, call=0, fields=()):
    send(LOG, call, wire.encode(LOG_TYPE, {"level": level, "wall-ms": 0, "target": "tiny", "message": message,
                                           "fields": list(fields)}))


def handshake(ready=True, **changes):
    """Everything up to READY; the options."""
    send(WELCOME, 0, welcome(**changes))
    kind, _, payload = read()
    assert kind == START, kind
    start = wire.decode(START_TYPE, payload)
    global credit
    credit = start["credit"]
    if ready:
        send(READY)
    return start


def word(n):
    return struct.pack("<I", n)
