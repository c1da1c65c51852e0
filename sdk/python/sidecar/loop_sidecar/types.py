"""Values of the component model as Python objects and as bytes.

`parse(text)` reads the structural text of a type and gives a Type, whose `write` and
`read` are functions that were put together once, for that type: no text is looked at when
values pass. What comes in is checked as sidecar/PROTOCOL.md says; what goes out is checked
too, so that a slip of an author is a ValueError here and not a broken stream there.

    bool, numbers, char, string   bool, int, float, str of one letter, str
    list<u8>                      bytes (anything with a buffer goes out)
    list<T>, tuple<A,B>           list, tuple
    record{a-b:T}                 Record: a dict whose keys are attributes, too: r.a_b
    variant{x,y(T)}               Case("x"), Case("y", value); "x" may go out for Case("x")
    enum{x,y}                     "x"
    flags{x,y}                    {"x"}: a set
    option<T>                     None or the value; of option<option<T>>: None or Some(value)
    result<T,E>                   Ok(value), Err(error)
    own<R>, borrow<R>             what `handles` makes of the number; a plain int without it

Not here: types that the protocol does not carry (streams, futures, maps).
"""

import re
import struct

from .wire import Malformed, Reader, Short, put_chunk, put_unsigned

DEEPEST, MOST_FLAGS, LONGEST_TEXT = 64, 32, 65536


class Case:
    """One case of a variant, with its payload if it has one."""

    __slots__ = ("tag", "value")
    __match_args__ = ("tag", "value")

    def __init__(self, tag, value=None):
        self.tag, self.value = tag, value

    def __eq__(self, other):
        return isinstance(other, Case) and (self.tag, self.value) == (other.tag, other.value)

    def __hash__(self):
        return hash((Case, self.tag))

    def __repr__(self):
        return f"Case({self.tag!r})" if self.value is None else f"Case({self.tag!r}, {self.value!r})"


class _Wrapped:
    __slots__ = ("value",)
    __match_args__ = ("value",)

    def __init__(self, value=None):
        self.value = value

    def __eq__(self, other):
        return type(self) is type(other) and self.value == other.value

    def __hash__(self):
        return hash(type(self))

    def __repr__(self):
        return f"{type(self).__name__}({self.value!r})"


class Some(_Wrapped):
    """The outer of two options that is there."""


class Ok(_Wrapped):
    """A result that went well."""


class Err(Exception):
    """A result that did not. To raise it answers a function's result<T,E>."""

    __match_args__ = ("value",)

    def __init__(self, value=None):
        super().__init__(value)
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Err) and self.value == other.value

    def __hash__(self):
        return hash(Err)


class Record(dict):
    """A record: fields are keys and attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Type:
    """`write(out, value, peer)` appends to a bytearray; `read(r)` takes from a Reader."""

    __slots__ = ("text", "kind", "write", "read", "parts")

    def __init__(self, text, kind, write, read, parts=()):
        self.text, self.kind, self.write, self.read, self.parts = text, kind, write, read, parts

    def encode(self, value, peer=None):
        out = bytearray()
        self.write(out, value, peer)
        return bytes(out)

    def decode(self, data, peer=None, more_follows=False):
        r = Reader(data, peer)
        value = self.read(r)
        if r.at != r.end and not more_follows:
            raise Malformed(f"{r.end - r.at} bytes are behind the value")
        return value

    def each(self, pieces, most=64 << 20):
        """The values that stand one behind the other in pieces of bytes, cut anywhere: each as soon as it is there.

        Raises Malformed where one is none, ends too early or has more than `most` bytes.
        """
        rest, missing, needed = bytearray(), 0, 0
        for piece in pieces:
            rest += piece
            if len(rest) < needed:
                continue
            rest, missing = yield from self._several(bytes(rest))
            if len(rest) + missing > most:
                raise Malformed(f"a value of more than {most} bytes")
            needed = len(rest) + max(missing, len(rest) >> 1)  # what is long is not looked at for every piece
        rest, _ = yield from self._several(bytes(rest))
        if rest:
            raise Malformed("the bytes end within a value")

    def _several(self, data):
        """The values that are there; then the bytes behind them, and how many more the next one needs at least."""
        r, at = Reader(data), 0
        while at < r.end:
            try:
                value = self.read(r)
            except Short as why:
                return bytearray(data[at:]), why.missing
            yield value
            at = r.at
        return bytearray(), 1


class Function:
    """A function's type: `parameters` and `result` are Types; `result` may be None."""

    __slots__ = ("text", "parameters", "result")

    def __init__(self, text, parameters, result):
        self.text, self.parameters, self.result = text, parameters, result


# --- the plain types --------------------------------------------------------------------


def _bool():
    def write(out, value, peer):
        if value is not True and value is not False:
            raise ValueError(f"{value!r} is no bool")
        out.append(value)

    def read(r):
        byte = r.byte()
        if byte > 1:
            raise Malformed(f"{byte} is no bool")
        return byte == 1

    return write, read


def _whole(name):
    """Numbers, which have to be int and to fit."""
    bits, signed = int(name[1:]), name[0] == "s"
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)

    def write(out, value, peer):
        if type(value) is not int or not low <= value < high:
            raise ValueError(f"{value!r} is no {name}")
        if bits == 8:
            out.append(value & 0xFF)
            return
        while signed and not -64 <= value < 64 or not signed and value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value & 0x7F)

    if name == "u8":
        return write, Reader.byte
    if name == "s8":
        return write, lambda r: (r.byte() ^ 0x80) - 0x80
    return write, (lambda r: r.signed(bits)) if signed else (lambda r: r.unsigned(bits))


def _float(layout):
    packed = struct.Struct(layout)

    def write(out, value, peer):
        if type(value) not in (float, int):
            raise ValueError(f"{value!r} is no number")
        out += packed.pack(value)

    return write, lambda r: packed.unpack(r.take(packed.size))[0]


def _char():
    def write(out, value, peer):
        if type(value) is not str or len(value) != 1:
            raise ValueError(f"{value!r} is no char")
        out += value.encode()

    def read(r):
        first = r.byte()
        more = 0 if first < 0x80 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        return _text(bytes((first,)) + r.take(more))

    return write, read


def _text(data):
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as why:
        raise Malformed(f"text that is not UTF-8: {why.reason}") from None


def _string():
    def write(out, value, peer):
        if type(value) is not str:
            raise ValueError(f"{value!r} is no string")
        put_chunk(out, value.encode(), peer)

    return write, lambda r: _text(r.chunk())


PLAIN = {name: _whole(name) for name in ("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64")} | {
    "bool": _bool(), "f32": _float("<f"), "f64": _float("<d"), "char": _char(), "string": _string()}


# --- what is made of others -----------------------------------------------------------------


def _list(of):
    if of.kind == "u8":
        return (lambda out, value, peer: put_chunk(out, bytes(_no_int(value)), peer)), \
            lambda r: bytes(r.chunk())
    if of.kind in ("f32", "f64"):
        return _floats("f" if of.kind == "f32" else "d")

    def write(out, value, peer):
        put_unsigned(out, len(value))
        for item in value:
            of.write(out, item, peer)

    def read(r):
        n = r.unsigned(32)
        if n > r.end - r.at:  # each has a byte, at least
            raise Short(f"a list of {n} in {r.end - r.at} bytes", n - (r.end - r.at))
        read_one = of.read
        return [read_one(r) for _ in range(n)]

    return write, read


def _no_int(value):
    if isinstance(value, (int, str)):  # bytes(5) would be five zeros
        raise ValueError(f"{value!r} is no list of u8")
    return value


def _floats(code):
    size = struct.calcsize(code)

    def write(out, value, peer):
        put_unsigned(out, len(value))
        out += struct.pack(f"<{len(value)}{code}", *value)

    def read(r):
        n = r.unsigned(32)
        return list(struct.unpack(f"<{n}{code}", r.take(n * size)))

    return write, read


def _tuple(parts):
    writes, reads = [p.write for p in parts], [p.read for p in parts]

    def write(out, value, peer):
        if len(value) != len(writes):
            raise ValueError(f"{len(value)} values for a tuple of {len(writes)}")
        for write_one, item in zip(writes, value):
            write_one(out, item, peer)

    return write, lambda r: tuple([read_one(r) for read_one in reads])


def _record(fields):
    writes = [(name.replace("-", "_"), t.write) for name, t in fields]
    reads = [(name.replace("-", "_"), t.read) for name, t in fields]

    def write(out, value, peer):
        has_keys = hasattr(value, "keys")
        for name, write_one in writes:
            try:
                item = value[name] if has_keys else getattr(value, name)
            except (KeyError, AttributeError):
                raise ValueError(f"the record has no '{name}'") from None
            write_one(out, item, peer)

    return write, lambda r: Record([(name, read_one(r)) for name, read_one in reads])


def _variant(cases):
    numbers = {name: (i, t) for i, (name, t) in enumerate(cases)}

    def write(out, value, peer):
        if isinstance(value, str):
            value = Case(value)
        if not isinstance(value, Case) or value.tag not in numbers:
            raise ValueError(f"{value!r} is none of {', '.join(numbers)}")
        number, of = numbers[value.tag]
        put_unsigned(out, number)
        if of:
            of.write(out, value.value, peer)
        elif value.value is not None:
            raise ValueError(f"the case '{value.tag}' has no payload")

    def read(r):
        number = r.unsigned(32)
        if number >= len(cases):
            raise Malformed(f"the case {number} of {len(cases)}")
        name, of = cases[number]
        return Case(name, of.read(r)) if of else Case(name)

    return write, read


def _enum(names):
    numbers = {name: i for i, name in enumerate(names)}

    def write(out, value, peer):
        if value not in numbers:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        put_unsigned(out, numbers[value])

    def read(r):
        number = r.unsigned(32)
        if number >= len(names):
            raise Malformed(f"the case {number} of {len(names)}")
        return names[number]

    return write, read


def _option(of):
    nested = of.kind == "option"

    def write(out, value, peer):
        if value is None:
            out.append(0)
            return
        if nested != isinstance(value, Some):
            raise ValueError(f"{value!r} {'is neither None nor a Some' if nested else 'needs no Some'}")
        out.append(1)
        of.write(out, value.value if nested else value, peer)

    def read(r):
        there = r.byte()
        if there > 1:
            raise Malformed(f"{there} is no tag of an option")
        if not there:
            return None
        return Some(of.read(r)) if nested else of.read(r)

    return write, read


def _result(ok, error):
    def write(out, value, peer):
        if not isinstance(value, (Ok, Err)):
            raise ValueError(f"{value!r} is neither Ok nor Err")
        failed = isinstance(value, Err)
        of = error if failed else ok
        out.append(failed)
        if of:
            of.write(out, value.value, peer)
        elif value.value is not None:
            raise ValueError(f"{value!r} has a payload and its type none")

    def read(r):
        failed = r.byte()
        if failed > 1:
            raise Malformed(f"{failed} is no tag of a result")
        of = error if failed else ok
        return (Err if failed else Ok)(of.read(r) if of else None)

    return write, read


def _flags(names):
    size, known = (len(names) + 7) // 8, {name: 1 << i for i, name in enumerate(names)}

    def write(out, value, peer):
        bits = 0
        for name in value:
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(names)}")
            bits |= known[name]
        out += bits.to_bytes(size, "little")

    def read(r):
        bits = int.from_bytes(r.take(size), "little")
        if bits >> len(names):
            raise Malformed("a flag that the type does not have")
        return {name for name, bit in known.items() if bits & bit}

    return write, read


def _handle(kind, resource):
    def write(out, value, peer):
        number = value if peer is None else peer.give(kind, resource, value)
        if type(number) is not int or not 0 < number < 1 << 53:
            raise ValueError(f"{value!r} is no handle")
        put_unsigned(out, number)

    def read(r):
        number = r.unsigned(64)
        if not 0 < number < 1 << 53:
            raise Malformed(f"{number} is no handle")
        return number if r.peer is None else r.peer.take(kind, resource, number)

    return write, read


# --- the parser -------------------------------------------------------------------------------

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*|->|[<>(){},:_]")
_RESOURCE = re.compile(r"<([^<>(){},\s]+/[^<>(){},\s]+\.[A-Za-z0-9-]+)>")


class _Parser:
    def __init__(self, text):
        if len(text) > LONGEST_TEXT:
            raise ValueError("the text of a type has more than 65,536 bytes")
        self.text, self.at, self.depth = text, 0, 0

    def fail(self, what):
        raise ValueError(f"no type: {what} at {self.at} of '{self.text[:200]}'")

    def peek(self):
        found = _TOKEN.match(self.text, self.at)
        return found[0] if found else ""

    def next(self, wanted=None):
        token = self.peek()
        if not token or wanted and token != wanted:
            self.fail(f"'{wanted}' is missing" if wanted else "something is missing")
        self.at += len(token)
        return token

    def name(self):
        token = self.next()
        if not token[0].isalnum():
            self.fail(f"'{token}' is no name")
        return token

    def several(self, close, one):
        """What stands between brackets, with commas; may be nothing."""
        found = []
        if self.peek() != close:
            found.append(one())
            while self.peek() == ",":
                self.next()
                found.append(one())
        self.next(close)
        return found

    def named(self, one):
        """`{...}`, each with a name that comes once."""
        self.next("{")
        found = self.several("}", one)
        names = [f[0] if isinstance(f, tuple) else f for f in found]
        if len(set(names)) != len(names):
            self.fail("a name comes twice")
        if not names:
            self.fail("there is nothing between { and }")
        return found

    def type(self):
        start = self.at
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail("it is nested too deep")
        kind = self.next()
        parts = ()
        if kind in PLAIN:
            write, read = PLAIN[kind]
        else:
            write, read, *parts = self.made(kind)
        self.depth -= 1
        return Type(self.text[start:self.at], kind, write, read, parts)

    def maybe(self):
        if self.peek() == "_":
            self.next()
            return None
        return self.type()

    def field(self):
        name = self.name()
        self.next(":")
        return name, self.type()

    def case(self):
        name, of = self.name(), None
        if self.peek() == "(":
            self.next()
            of = self.type()
            self.next(")")
        return name, of

    def made(self, kind):
        if kind in ("own", "borrow"):
            found = _RESOURCE.match(self.text, self.at)
            if not found:
                self.fail("the resource is missing")
            self.at = found.end()
            return _handle(kind, found[1])
        if kind == "record":
            return _record(self.named(self.field))
        if kind == "variant":
            return _variant(self.named(self.case))
        if kind == "enum":
            return _enum(self.named(self.name))
        if kind == "flags":
            names = self.named(self.name)
            if len(names) > MOST_FLAGS:
                self.fail("there are more than 32 flags")
            return _flags(names)
        if kind not in ("list", "option", "tuple", "result"):
            self.fail(f"'{kind}' is no type")
        self.next("<")
        if kind == "tuple":
            parts = self.several(">", self.type)
            return _tuple(parts) if parts else self.fail("a tuple of nothing")
        if kind == "result":
            ok = self.maybe()
            self.next(",")
            error = self.maybe()
            made = (*_result(ok, error), ok, error)
        else:
            made = (_list if kind == "list" else _option)(self.type())
        self.next(">")
        return made

    def function(self):
        self.next("(")
        parts = self.several(")", self.type)
        parameters = Type(self.text[:self.at], "tuple", *_tuple(parts))
        result = None
        if self.peek() == "->":
            self.next()
            result = self.type()
        return Function(self.text, parameters, result)

    def whole(self, found):
        if self.at != len(self.text):
            self.fail("there is more than a type")
        return found


def parse(text):
    """The Type that a text like `list<record{a:u8}>` describes; ValueError where it is none."""
    p = _Parser(text)
    return p.whole(p.type())


def parse_function(text):
    """The Function that a text like `(string)->result<u32,string>` describes."""
    p = _Parser(text)
    return p.whole(p.function())
