"""Frames and messages over two descriptors, with credit. What they mean is in sidecar.py.

A Connection may be written to by any thread; one thread reads. `send` waits while there is
no credit, which another thread has to read: so whoever reads never sends what counts.
"""

import io
import os
import struct
import threading

from .types import parse

MAGIC, LONGEST_FRAME, LONGEST_MESSAGE = 0x706C, 1 << 20, 64 << 20
PIECE = 256 << 10  # the longest that is sent at once, to let others in between
SLIVER = 4 << 10  # with less credit than this, a longer message waits
MOST_IN_PIECES, MOST_IN_PIECES_BYTES = 1024, 256 << 20
CREDIT = 4 << 20  # what the host may have in flight

ERROR = "record{code:string,messages:list<string>,hint:option<string>}"
LEVELS = ("trace", "debug", "info", "warn", "error")
_LEVEL = f"enum{{{','.join(LEVELS)}}}"

_ROWS = """
0x01 WELCOME s record{magic:string,protocols:list<u32>,name:string,version:string,summary:string,dev-only:bool,\
credit:u32,calls:u32,capabilities:list<string>,options:list<record{name:string,type:string,values:string,\
fallback:option<string>,help:string}>,interfaces:list<record{name:string,version:string,functions:list<record{\
name:string,type:string,implemented:bool}>,resources:list<string>}>}
0x02 START h record{protocol:u32,host:string,capabilities:list<string>,credit:u32,shared:u32,log:LEVEL,\
deadline:u32,options:list<tuple<string,string>>}
0x03 READY s
0x04 FAIL s ERROR
0x10 CALLER h record{component:string,identity:string,instance:u64,storage:u64,storage-why:string}
0x11 CALLER-GONE h
0x12 CALL h tuple<u32,u32,u32,u32,u32>
0x13 NEXT s tuple<u32,u32,u32>
0x14 RESULT hs
0x15 FAULT hs ERROR
0x16 CANCEL hs tuple<enum{interrupted,deadline,stopped},u32>
0x17 DROP hs tuple<u32,u32,u64>
0x18 RELEASE hs
0x20 CREDIT hs u32
0x21 PING hs
0x22 PONG hs
0x30 QUIESCE h
0x31 RESUME h
0x32 SAVE h tuple<u32,enum{whole,copy,rest}>
0x33 RESTORE h tuple<u32,enum{whole,copy,rest}>
0x34 STATE hs
0x35 SAVE-OBJECT h tuple<u32,u32,u64>
0x36 RESTORE-OBJECT h tuple<u32,u32>
0x80 LOG s record{level:LEVEL,wall-ms:u64,target:string,message:string,fields:list<record{name:string,\
value:variant{text(string),integer(s64),number(f64),boolean(bool)}}>}
""".replace("ERROR", ERROR).replace("LEVEL", _LEVEL)

_CUTTABLE = {"CALL", "NEXT", "RESULT", "FAULT", "STATE"}
_FREE = {"WELCOME", "START", "READY", "FAIL", "CREDIT"}  # what costs no credit


class Row:
    """One type of frame: who sends it, and the Type that its payload begins with."""

    __slots__ = ("number", "name", "host", "sidecar", "type", "cuttable", "counts")

    def __init__(self, number, name, senders, text=""):
        self.number, self.name, self.type = int(number, 16), name, parse(text) if text else None
        self.host, self.sidecar = "h" in senders, "s" in senders
        self.cuttable, self.counts = name in _CUTTABLE, name not in _FREE


TYPES = {row.name: row for row in (Row(*line.split()) for line in _ROWS.strip().splitlines())}
_NUMBERS = {row.number: row for row in TYPES.values()}
_HEADER = struct.Struct("<IBBHI")


class Broken(Exception):
    """The other side did not keep to the protocol; the connection is over."""


class Closed(Exception):
    """The host closed the connection."""


def header(number, ident, length, more=False):
    return _HEADER.pack(length, number, 1 if more else 0, MAGIC, ident)


def parse_header(data):
    length, number, flags, magic, ident = _HEADER.unpack(data)
    if magic != MAGIC or flags > 1 or length > LONGEST_FRAME:
        raise Broken(f"this is no header of a frame: {data.hex(' ')}")
    return length, number, flags == 1, ident


class Connection:
    def __init__(self, source, sink):
        self.source = io.BufferedReader(io.FileIO(source, "rb"), 1 << 18)
        self.sink = sink
        self.writing = threading.Lock()
        self.change = threading.Condition()  # of credit, or the end
        self.credit = self.most = 0  # what may still be sent, and at most
        self.giving, self.granted, self.unreturned = threading.Lock(), CREDIT, 0  # to the host
        self.closed = False
        self.in_pieces = 0  # bytes
        self.pieces = {}  # id -> [row, bytearray] of messages that came in part

    # --- reading: one thread

    def receive(self):
        """The next message: Row, id, payload, whether more follow (of STATE alone). Raises Closed."""
        while True:
            row, ident, payload, more = self._frame()
            if row is None or row.name == "CREDIT":
                if row:
                    self._more_credit(self.decoded(row, payload))
                continue
            if row.name == "STATE":
                return row, ident, payload, more
            if not row.cuttable or not more and ident not in self.pieces:
                return row, ident, payload, False
            whole = self._put_together(row, ident, payload, more)
            if whole is not None:
                return row, ident, whole, False

    def _frame(self):
        head = self.source.read(12)
        if not head:
            raise Closed()
        if len(head) < 12:
            raise Broken("the stream ends within a frame")
        length, number, more, ident = parse_header(head)
        payload = self.source.read(length) if length else b""
        if len(payload) < length:
            raise Broken("the stream ends within a frame")
        row = _NUMBERS.get(number)
        if (not row or not row.host) and number < 0x80:
            raise Broken(f"the host sent a frame of type {number:#04x}")
        if row and more and not row.cuttable:
            raise Broken(f"{row.name} in pieces")
        if not row or row.counts:
            self._received(length, row)
        return row if row and row.host else None, ident, payload, more

    def _received(self, n, row):
        with self.giving:
            self.granted -= n
            if self.granted < 0:
                raise Broken("more bytes than there was credit for")
        if not row or row.name != "STATE":
            self.give_back(n)

    def give_back(self, n):
        """Bytes that came are no longer kept. Any thread: of STATE, whoever takes the pieces, for whom the
        host waits."""
        with self.giving:
            self.unreturned += n
            if self.unreturned < CREDIT // 4:
                return
            back, self.unreturned = self.unreturned, 0
            self.granted += back
        self.send("CREDIT", 0, back)

    def _put_together(self, row, ident, payload, more):
        known = self.pieces.setdefault(ident, [row, bytearray()])
        if known[0] is not row:
            raise Broken(f"a {row.name} within a {known[0].name} of the same id")
        known[1] += payload
        self.in_pieces += len(payload)
        if len(known[1]) > LONGEST_MESSAGE:
            raise Broken("a message of more than 64 MiB")
        if len(self.pieces) > MOST_IN_PIECES or self.in_pieces > MOST_IN_PIECES_BYTES:
            raise Broken("too many messages in pieces")
        if more:
            return None
        self.in_pieces -= len(known[1])
        return bytes(self.pieces.pop(ident)[1])

    def decoded(self, row, payload):
        try:
            return row.type.decode(payload)
        except ValueError as why:
            raise Broken(f"a {row.name} that is none: {why}") from None

    # --- credit

    def start(self, credit):
        self.credit = self.most = credit

    def _more_credit(self, n):
        with self.change:
            self.credit += n
            if self.credit > self.most:
                raise Broken("more credit came back than was spent")
            self.change.notify_all()

    def close(self):
        """Wakes those who wait for credit; they raise Closed."""
        with self.change:
            self.closed = True
            self.change.notify_all()

    def _spend(self, row, left, more):
        """How much of `left` bytes may go now; waits until some may.

        A piece of STATE leaves half of the credit to others, and may be as short as it takes: who has read less
        than half gives nothing back.
        """
        state = row.name == "STATE" and more
        cuttable = state or (row.cuttable and row.name != "STATE")  # an object's goes in one piece
        wanted = min(left, 1 if state else SLIVER) if cuttable else left
        kept = self.most // 2 if state else 0
        with self.change:
            while self.credit - kept < wanted and not self.closed:
                self.change.wait()
            if self.closed:
                raise Closed()
            n = min(left, self.credit - kept, PIECE) if cuttable else left
            self.credit -= n
            return n

    # --- writing: any thread

    def send(self, name, ident, value=None, tail=b"", more=False):
        """One message: `value` of the row's type, then the bytes `tail`. Of STATE, 64 KiB at most; `more` follow."""
        row = TYPES[name]
        payload = memoryview(row.type.encode(value) + tail if row.type else tail)
        if len(payload) > (LONGEST_MESSAGE if row.cuttable else LONGEST_FRAME):
            raise ValueError(f"a {name} of {len(payload)} bytes is too long")
        while True:
            n = self._spend(row, len(payload), more) if row.counts and len(payload) else len(payload)
            piece, payload = payload[:n], payload[n:]
            self._write(header(row.number, ident, n, more or len(payload) > 0), piece)
            if not payload:
                return

    def _write(self, head, piece):
        with self.writing:
            try:
                if len(piece) < 4096:
                    parts = [memoryview(head + piece)]
                else:
                    parts = [memoryview(head), piece]
                while parts:
                    n = os.writev(self.sink, parts)
                    while parts and n >= len(parts[0]):
                        n -= len(parts.pop(0))
                    if parts:
                        parts[0] = parts[0][n:]
            except BrokenPipeError:
                raise Closed() from None
