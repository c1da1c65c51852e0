"""Random WIT types and values for generate.py, and what the canonical ABI makes
of the types: size, alignment and flat form.

Written from the component model's specification, not from loop's sources: it
shares no mistake with them."""

import math
import struct
from dataclasses import dataclass

INTEGERS = {"u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1),
            "u64": (0, 2**64 - 1), "s8": (-2**7, 2**7 - 1), "s16": (-2**15, 2**15 - 1),
            "s32": (-2**31, 2**31 - 1), "s64": (-2**63, 2**63 - 1)}
PLAIN = [*INTEGERS, "f32", "f64", "bool", "char", "string"]
SIZES = {"u8": 1, "s8": 1, "bool": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "f32": 4,
         "char": 4, "u64": 8, "s64": 8, "f64": 8}
FLAT = {"u64": "i64", "s64": "i64", "f32": "f32", "f64": "f64"}


@dataclass(frozen=True)
class Type:
    """`parts`: the element, fields or payloads (None: a case without one); `labels`: of
    fields, cases or flags; `name`: of those types that WIT wants named."""
    kind: str
    parts: tuple = ()
    labels: tuple = ()
    name: str = ""

    @property
    def cases(self):
        """The payloads of everything that has a discriminant, else None."""
        if self.kind == "option":
            return (None, *self.parts)
        if self.kind == "enum":
            return (None,) * len(self.labels)
        return self.parts if self.kind in ("variant", "result") else None


# --- the canonical ABI ----------------------------------------------------------------

def up(value, align):
    return -(-value // align) * align


def discriminant(type_):
    return 1 if len(type_.cases) <= 2**8 else 2


def align(type_):
    if type_.kind in ("string", "list"):
        return 4
    if type_.kind == "flags":
        return size(type_)
    inner = [align(part) for part in type_.parts if part]
    if type_.cases is not None:
        inner.append(discriminant(type_))
    return max(inner) if inner else SIZES[type_.kind]


def size(type_):
    if type_.kind in ("string", "list"):
        return 8
    if type_.kind == "flags":
        return 1 if len(type_.labels) <= 8 else 2 if len(type_.labels) <= 16 else 4
    if type_.cases is not None:
        payloads = [part for part in type_.cases if part]
        start = up(discriminant(type_), max((align(part) for part in payloads), default=1))
        return up(start + max((size(part) for part in payloads), default=0), align(type_))
    if type_.kind in ("record", "tuple"):
        end = 0
        for part in type_.parts:
            end = up(end, align(part)) + size(part)
        return up(end, align(type_))
    return SIZES[type_.kind]


def join(a, b):
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"


def flatten(type_):
    if type_.kind in ("string", "list"):
        return ["i32", "i32"]
    if type_.cases is not None:
        joined = []
        for part in type_.cases:
            for i, flat in enumerate(flatten(part) if part else []):
                joined[i:i + 1] = [join(joined[i], flat) if i < len(joined) else flat]
        return ["i32", *joined]
    if type_.kind in ("record", "tuple"):
        return [flat for part in type_.parts for flat in flatten(part)]
    return [FLAT.get(type_.kind, "i32")]


# --- as WIT ---------------------------------------------------------------------------

def wit(type_):
    """How a type is written where it is used."""
    if type_.name:
        return type_.name
    parts = [wit(part) if part else "_" for part in type_.parts]
    if type_.kind == "result":
        parts = [] if parts == ["_", "_"] else parts[:1] if parts[1] == "_" else parts
    return f"{type_.kind}<{', '.join(parts)}>" if parts else type_.kind


def definition(type_):
    """The declaration of a named type."""
    if type_.kind in ("enum", "flags"):
        rows = type_.labels
    elif type_.kind == "record":
        rows = [f"{label}: {wit(part)}" for label, part in zip(type_.labels, type_.parts)]
    else:
        rows = [f"{label}({wit(part)})" if part else label
                for label, part in zip(type_.labels, type_.parts)]
    return f"{type_.kind} {type_.name} {{ {', '.join(rows)} }}"


# --- random types ---------------------------------------------------------------------

ENUMS = [1, 2, 5, 20, 256, 257, 300]
FLAGS = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32]


class Types:
    """Makes types; the named ones it made are in `named`, in an order in which each is
    declared before it is used."""

    def __init__(self, rng):
        self.rng = rng
        self.named = []
        self.left = 0

    def one(self, depth=4, most=40):
        """A type nested at most `depth` deep, of about `most` parts at the most."""
        self.left = most
        return self.inner(self.rng.randint(0, depth))

    def inner(self, depth):
        self.left -= 1
        if depth <= 0 or self.left <= 0 or self.rng.random() < 0.15:
            return self.leaf()
        if self.named and self.rng.random() < 0.15:
            known = self.rng.choice(self.named)
            if nesting(known) <= depth:
                return known
        kind = self.rng.choices(["list", "record", "tuple", "variant", "option", "result"],
                                [4, 5, 3, 5, 3, 3])[0]
        return getattr(self, kind)(depth - 1)

    def leaf(self):
        pick = self.rng.random()
        if pick < 0.05:
            return self.again("enum") or self.add("enum", (), self.many(ENUMS), "e")
        if pick < 0.12:
            return self.again("flags") or self.add("flags", (), self.many(FLAGS), "g")
        return Type("string") if pick < 0.25 else Type(self.rng.choice(PLAIN))

    def again(self, kind):
        known = [named for named in self.named if named.kind == kind]
        return self.rng.choice(known) if known and self.rng.random() < 0.4 else None

    def many(self, counts):
        return self.rng.choice(counts)

    def list(self, depth):
        return Type("list", (self.inner(depth),))

    def option(self, depth):
        return Type("option", (self.inner(depth),))

    def tuple(self, depth):
        return Type("tuple", tuple(self.inner(depth) for _ in range(self.rng.randint(1, 5))))

    def result(self, depth):
        return Type("result", tuple(self.inner(depth) if self.rng.random() < 0.7 else None
                                    for _ in range(2)))

    def record(self, depth):
        parts = tuple(self.inner(depth) for _ in range(self.many([1, 2, 2, 3, 4, 6, 18])))
        return self.add("record", parts, len(parts), "x")

    def variant(self, depth):
        count = self.many([1, 2, 3, 3, 4, 7, 257] if self.rng.random() < 0.1 else [1, 2, 3, 4, 7])
        parts = tuple(self.inner(depth) if i < 12 and self.rng.random() < 0.7 else None
                      for i in range(count))
        return self.add("variant", parts, count, "c")

    def add(self, kind, parts, count, letter):
        made = Type(kind, parts, tuple(f"{letter}{i}" for i in range(count)), f"t{len(self.named)}")
        self.named.append(made)
        return made


def nesting(type_):
    return 1 + max((nesting(part) for part in type_.parts if part), default=-1)


# --- random values, as WAVE -----------------------------------------------------------

TEXTS = ["", "a", "hello, world", "\0", "a\0b", "é", "ÿþ¡", "ß€𝄞", "\u07ff\u0800\uffff",
         "\U0010ffff", "日本語", "👩‍👩‍👧", "\"quoted\" \\ 'single'", "line\nline\r\n\ttab", "\ud7ff\ue000", "{}[]()"]
CHARS = [0, 0x27, 0x5c, 0x61, 0x7f, 0x80, 0xff, 0x100, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff,
         0x10000, 0x10ffff]
FLOATS = ["nan", "inf", "-inf", "0.0", "-0.0", "1.0", "-1.5", "0.625"]


class Values:
    def __init__(self, rng):
        self.rng = rng
        self.left = 0

    def text(self, type_, most=200):
        """A value of that type, of about `most` parts at the most."""
        self.left = most
        return self.inner(type_)

    def inner(self, type_):
        self.left -= 1
        if type_.kind in INTEGERS:
            return self.integer(*INTEGERS[type_.kind])
        return getattr(self, type_.kind)(type_)

    def integer(self, low, high):
        some = [low, high, 0, 1, low + 1, high - 1, self.rng.randint(low, high),
                max(low, min(high, self.rng.randint(-200, 300)))]
        return str(self.rng.choice(some))

    def bool(self, _):
        return self.rng.choice(["true", "false"])

    def f32(self, _):
        return self.floating("<f", 4)

    def f64(self, _):
        return self.floating("<d", 8)

    def floating(self, form, width):
        value = struct.unpack(form, self.rng.randbytes(width))[0]
        if not math.isfinite(value) or self.rng.random() < 0.5:
            return self.rng.choice(FLOATS)
        return repr(value)

    def char(self, _):
        code = self.rng.choice([*CHARS, self.rng.randint(0x20, 0xd7ff),
                                self.rng.randint(0xe000, 0x10ffff)])
        return f"'{escaped(chr(code))}'"

    def string(self, _):
        value = self.rng.choice(TEXTS)
        if self.rng.random() < 0.1 and self.left > 0:  # long; latin1 until its last character
            value = self.rng.choice(["x", "é", "日", "𝄞"]) * self.rng.randint(50, 700) + value
        return f'"{escaped(value)}"'

    def list(self, type_):
        longest = 0 if self.left <= 0 else self.rng.choice([0, 1, 2, 3, 5, 40])
        count = min(longest, max(0, self.left // weight(type_.parts[0])))
        return f"[{', '.join(self.inner(type_.parts[0]) for _ in range(count))}]"

    def tuple(self, type_):
        return f"({', '.join(self.inner(part) for part in type_.parts)})"

    def record(self, type_):
        fields = [f"{label}: {self.inner(part)}" for label, part in zip(type_.labels, type_.parts)]
        return f"{{{', '.join(fields)}}}"

    def option(self, type_):
        return self.rng.choice(["none", f"some({self.inner(type_.parts[0])})"])

    def result(self, type_):
        return self.case(type_, ("ok", "err"))

    def variant(self, type_):
        return self.case(type_, type_.labels)

    def case(self, type_, labels):
        at = self.rng.choice([0, len(labels) - 1, self.rng.randrange(len(labels))])
        part = type_.parts[at]
        return f"{labels[at]}({self.inner(part)})" if part else labels[at]

    def enum(self, type_):
        return self.rng.choice([type_.labels[0], type_.labels[-1], self.rng.choice(type_.labels)])

    def flags(self, type_):
        often = self.rng.choice([0, 0.2, 0.5, 1])
        return f"{{{', '.join(label for label in type_.labels if self.rng.random() < often)}}}"


def weight(type_):
    """How many parts a small value of the type has."""
    return 1 + sum(weight(part) for part in type_.parts if part)


def escaped(text):
    return "".join(char if 0x20 <= ord(char) < 0x7f and char not in "\"'\\"
                   else f"\\{char}" if char in "\"'\\" else f"\\u{{{ord(char):x}}}"
                   for char in text)
