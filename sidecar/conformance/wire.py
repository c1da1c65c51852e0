"""Frames and values of sidecar/PROTOCOL.md, for the script beside this file.

Written from that page alone. A type is its structural text ("list<u32>"); a value
is what JSON has for it, as the page's examples write it:

    bool true · integers, f32, f64: numbers, or "nan", "inf", "-inf" · char, string: "a"
    list, tuple: [..] · list<u8>: [..] or bytes · record: {"field": ..} · flags: ["a"]
    enum: "a" · variant: "a" or {"a": payload} · option: null or {"some": ..}
    result: {"ok": ..} or {"error": ..}, null where there is no payload
    own, borrow: the handle's number

Not for hostile input: what is wrong raises Wrong, and there are no limits here.
"""

import math
import re
import struct

HEADER = struct.Struct("<IBBHI")
MAGIC = 0x706c
MORE = 1
MAX_FRAME = 1 << 20
SHARED = 0xffffffff  # as a length: a reference into the shared memory follows


class Wrong(Exception):
    """Bytes that are no value of their type, or a text that is no type."""


# --- types -----------------------------------------------------------------------------

class Type:
    """kind: "list"; parts: types, None for no payload; names: of fields, cases, flags."""

    def __init__(self, kind, parts=(), names=(), resource=None):
        self.kind, self.parts, self.names, self.resource = kind, list(parts), list(names), resource

    def __str__(self):
        if self.resource:
            return f"{self.kind}<{self.resource}>"
        if self.kind in ("record", "variant", "enum", "flags"):
            return self.kind + "{" + ",".join(map(self.named, range(len(self.names)))) + "}"
        if self.parts:
            return f"{self.kind}<{','.join(str(p) if p else '_' for p in self.parts)}>"
        return self.kind

    def named(self, i):
        part = self.parts[i] if self.parts else None
        if not part:
            return self.names[i]
        return f"{self.names[i]}:{part}" if self.kind == "record" else f"{self.names[i]}({part})"


PLAIN = ("bool u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 char string").split()
TOKEN = re.compile(r"->|[a-zA-Z0-9:/.\[\]-]+|[<>{}(),:_]")


class Parser:
    def __init__(self, text):
        self.tokens, self.at = TOKEN.findall(text), 0
        if "".join(self.tokens) != text:
            raise Wrong(f"no type: {text}")

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        if not token or (expected and token != expected):
            raise Wrong(f"'{expected}' expected, not '{token}'")
        self.at += 1
        return token

    def many(self, end, item):
        items = []
        while self.peek() != end:
            if items:
                self.take(",")
            items.append(item())
        self.take(end)
        return items

    def type(self):
        kind = self.take()
        if ":" in kind and not kind.startswith(":"):  # "name:u32" of a record is one token
            raise Wrong(f"no type: {kind}")
        if kind in PLAIN:
            return Type(kind)
        if kind in ("list", "option", "tuple", "result"):
            self.take("<")
            return Type(kind, self.many(">", self.payload))
        if kind in ("own", "borrow"):
            self.take("<")
            resource = self.take()
            self.take(">")
            return Type(kind, resource=resource)
        if kind in ("record", "variant", "enum", "flags"):
            self.take("{")
            pairs = self.many("}", self.field if kind == "record" else self.case)
            parts = [p for _, p in pairs]
            return Type(kind, parts if kind in ("record", "variant") else (), [n for n, _ in pairs])
        raise Wrong(f"no type: {kind}")

    def payload(self):
        if self.peek() == "_":
            self.take()
            return None
        return self.type()

    def field(self):
        # A name has no ':', so the first one splits the token.
        name, colon, rest = self.take().partition(":")
        if not colon:
            raise Wrong(f"a field without a type: {name}")
        if rest:
            self.at -= 1
            self.tokens[self.at] = rest
        return name, self.type()

    def case(self):
        name = self.take()
        if self.peek() != "(":
            return name, None
        self.take("(")
        part = self.type()
        self.take(")")
        return name, part

    def end(self):
        if self.peek():
            raise Wrong(f"'{self.peek()}' behind a type")


def parse_type(text):
    parser = Parser(text)
    found = parser.type()
    parser.end()
    return found


def parse_function(text):
    """The tuple of parameters, and the result or None."""
    parser = Parser(text)
    parser.take("(")
    params = parser.many(")", parser.type)
    result = None
    if parser.peek() == "->":
        parser.take()
        result = parser.type()
    parser.end()
    return Type("tuple", params), result


# --- numbers ---------------------------------------------------------------------------

def leb(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def sleb(n):
    out = bytearray()
    while not -0x40 <= n < 0x40:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n & 0x7f])


FLOATS = {"f32": struct.Struct("<f"), "f64": struct.Struct("<d")}
CANONICAL_NAN = {"f32": bytes.fromhex("0000c07f"), "f64": bytes.fromhex("000000000000f87f")}


# --- writing ---------------------------------------------------------------------------

def encode(t, v, share=None):
    """`share` puts bytes into the shared memory and returns their offset, or None."""
    k = t.kind
    if k == "bool":
        return b"\1" if v else b"\0"
    if k in ("u8", "s8"):
        return bytes([v & 0xff])
    if k[0] == "u" and k[1:].isdigit() or k in ("own", "borrow"):
        return leb(v)
    if k[0] == "s" and k[1:].isdigit():
        return sleb(v)
    if k in FLOATS:
        v = float(v)
        return CANONICAL_NAN[k] if math.isnan(v) else FLOATS[k].pack(v)
    if k == "char":
        return v.encode()
    if k == "string" or (k == "list" and t.parts[0].kind == "u8"):
        return encode_bytes(v.encode() if k == "string" else bytes(v), share)
    if k == "list":
        return leb(len(v)) + b"".join(encode(t.parts[0], e, share) for e in v)
    if k == "tuple":
        return b"".join(encode(p, e, share) for p, e in zip(t.parts, v, strict=True))
    if k == "record":
        return b"".join(encode(p, v[n], share) for n, p in zip(t.names, t.parts))
    if k == "flags":
        bits = sum(1 << t.names.index(name) for name in v)
        return bits.to_bytes((len(t.names) + 7) // 8, "little")
    if k == "option":
        return b"\0" if v is None else b"\1" + encode(t.parts[0], v["some"], share)
    if k == "result":
        (case, payload), = v.items()
        part = t.parts[case == "error"]
        return bytes([case == "error"]) + (encode(part, payload, share) if part else b"")
    case, payload = (v, None) if isinstance(v, str) else next(iter(v.items()))
    i = t.names.index(case)
    part = t.parts[i] if k == "variant" else None
    return leb(i) + (encode(part, payload, share) if part else b"")


def encode_bytes(raw, share):
    offset = share(raw) if share else None
    if offset is not None:
        return leb(SHARED) + leb(offset) + leb(len(raw))
    return leb(len(raw)) + raw


# --- reading ---------------------------------------------------------------------------

class Reader:
    def __init__(self, data, shared=None):
        self.data, self.at, self.shared = data, 0, shared

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Wrong(f"{n} bytes wanted at {self.at} of {len(self.data)}")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, bits, signed=False):
        n = shift = 0
        while True:
            b = self.take(1)[0]
            n |= (b & 0x7f) << shift
            shift += 7
            if b < 0x80:
                break
            if shift >= bits:
                raise Wrong("a number of too many bytes")
        if signed and n >> (shift - 1) & 1:
            n -= 1 << shift
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
        if not low <= n < high:
            raise Wrong(f"{n} has more than {bits} bits")
        return n

    def one_of(self, n, what):
        i = self.number(32)
        if i >= n:
            raise Wrong(f"{what} {i} of {n}")
        return i

    def bytes(self):
        n = self.number(32)
        if n != SHARED:
            return self.take(n)
        offset, length = self.number(32), self.number(32)
        if self.shared is None:
            raise Wrong("a reference without shared memory")
        return self.shared(offset, length)

    def char(self):
        first = self.take(1)
        more = 0 if first[0] < 0x80 else 1 if first[0] < 0xe0 else 2 if first[0] < 0xf0 else 3
        return self.text(first + self.take(more))

    def text(self, raw):
        try:
            return bytes(raw).decode()
        except UnicodeDecodeError as error:
            raise Wrong("text that is not UTF-8") from error

    def value(self, t):
        k = t.kind
        if k == "bool":
            return bool(self.one_of(2, "bool"))
        if k == "u8":
            return self.take(1)[0]
        if k == "s8":
            return int.from_bytes(self.take(1), "little", signed=True)
        if k in ("own", "borrow"):
            handle = self.number(64)
            if not 0 < handle < 1 << 53:
                raise Wrong(f"handle {handle}")
            return handle
        if k[0] in "us" and k[1:].isdigit():
            return self.number(int(k[1:]), k[0] == "s")
        if k in FLOATS:
            return FLOATS[k].unpack(self.take(FLOATS[k].size))[0]
        if k == "char":
            return self.char()
        if k == "string":
            return self.text(self.bytes())
        if k == "list" and t.parts[0].kind == "u8":
            return list(self.bytes())
        if k == "list":
            return [self.value(t.parts[0]) for _ in range(self.number(32))]
        if k == "tuple":
            return [self.value(p) for p in t.parts]
        if k == "record":
            return {n: self.value(p) for n, p in zip(t.names, t.parts)}
        if k == "flags":
            return self.flags(t)
        if k == "option":
            return {"some": self.value(t.parts[0])} if self.one_of(2, "option") else None
        if k == "result":
            i = self.one_of(2, "result")
            return {("ok", "error")[i]: self.value(t.parts[i]) if t.parts[i] else None}
        i = self.one_of(len(t.names), "case")
        part = t.parts[i] if k == "variant" else None
        return {t.names[i]: self.value(part)} if part else t.names[i]

    def flags(self, t):
        bits = int.from_bytes(self.take((len(t.names) + 7) // 8), "little")
        if bits >> len(t.names):
            raise Wrong("flags that the type does not have")
        return [name for i, name in enumerate(t.names) if bits >> i & 1]

    def end(self):
        if self.at != len(self.data):
            raise Wrong(f"{len(self.data) - self.at} bytes behind the value")


def decode(t, data, shared=None):
    reader = Reader(data, shared)
    v = reader.value(t)
    reader.end()
    return v


# --- frames ----------------------------------------------------------------------------

def frame(number, call_id=0, payload=b"", flags=0):
    return HEADER.pack(len(payload), number, flags, MAGIC, call_id) + payload
