"""Checks of values: every type both ways, arguments that are none, and that they are understood."""

import wire
from peer import LARGE, Wrong, short

POINTS = [{"x": 0, "y": 0}, {"x": -2147483648, "y": 2147483647}, {"x": 64, "y": -65}]
PEOPLE = [
    {"name": "", "age": None, "tags": [], "home": [0.0, 0.0]},
    {"name": "Ana \u00e9\u4e16\U0001f600", "age": {"some": 255}, "tags": ["", "a", "\u00df"], "home": [-1.5, 1e300]},
]
SHAPES = ["nothing", {"circle": -0.5}, {"polygon": []}, {"polygon": POINTS}, {"named": "n\u00e4me"}]
MOST = [f"b{i}" for i in range(32)]
NINE = [f"f{i}" for i in range(9)]
INTEGERS = {f"{s}{bits}": [lo, hi, 0, 1, 63, 64, 127]
            for bits in (8, 16, 32, 64)
            for s, lo, hi in (("u", 0, (1 << bits) - 1), ("s", -(1 << bits - 1), (1 << bits - 1) - 1))}
TEXTS = ["", "a", "\x00", "\n\x7f", "h\u00e9", "\u0800\uffff", "\U00010000\U0010ffff", "\ud7ff\ue000",
         "x" * 127, "x" * 128, "\u4e16" * 5461, "y" * 70000]

ECHO = {
    "bool": [False, True],
    **{name: values + ([-1, -64, -65, -128] if name[0] == "s" else [255]) for name, values in INTEGERS.items()},
    "f32": [0.0, -0.0, 1.5, 3.4028234663852886e38, 1.401298464324817e-45, "inf", "-inf", "nan"],
    "f64": [0.0, -0.0, -0.1, 1.7976931348623157e308, 5e-324, "inf", "-inf", "nan"],
    "char": ["a", "\x00", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"],
    "string": TEXTS,
    "bytes": [[], [0], [1, 2, 255], list(range(256)) * 300],
    "bools": [[], [True, False, True]],
    "s8s": [[], [-128, 127, 0, -1]],
    "u32s": [[], [1, 128, 16384, 4294967295], list(range(3000))],
    "s64s": [[], [-9223372036854775808, 9223372036854775807, -1, 0]],
    "f32s": [[], [1.5, -2.0, 0.0]],
    "f64s": [[], [1.0, -2.0, 1e-310]],
    "chars": [[], ["a", "\u00e9", "\U0001f600"]],
    "strings": [[], ["a", "", "bc", "\u00fc" * 200]],
    "lists": [[], [[], [7], list(range(200))]],
    "point": POINTS,
    "points": [[], POINTS, POINTS * 200],
    "people": [[], PEOPLE, PEOPLE * 50],
    "tuple": [[7, "x", True], [0, "", False]],
    "shapes": [[], SHAPES, SHAPES * 40],
    "colors": [[], ["red", "green", "blue", "red"]],
    "few": [[], ["a"], ["b", "c"], ["a", "b", "c"]],
    "nine": [[], ["f0"], ["f8"], NINE],
    "most": [[], ["b0"], ["b31"], ["b7", "b8", "b15", "b16", "b23", "b24"], MOST],
    "option": [None, {"some": 0}, {"some": 4294967295}],
    "options": [None, {"some": None}, {"some": {"some": False}}, {"some": {"some": True}}],
    "result": [{"ok": 0}, {"ok": 4294967295}, {"error": ""}, {"error": "no"}],
    "results": [[], [{"ok": None}, {"error": "red"}, {"error": "blue"}]],
}
MANY = [7, -300, 70000, -5, 0.5, 0.1, "\u00e9", "text", True, [1, 2], {"some": 9}, "blue", ["a", "c"],
        {"x": 1, "y": -1}, ["p", "q"], 1 << 63, -7, {"polygon": POINTS}]

# function, bytes that a writer does not write, what they are
READ = [
    ("echo-u16", "81 80 00", 1),
    ("echo-u32", "80 80 80 80 00", 0),
    ("echo-s32", "ff ff ff ff 7f", -1),
    ("echo-u64", "81 80 80 80 80 80 80 80 80 00", 1),
    ("echo-string", "81 80 80 80 00 61", "a"),
    ("next-color", "81 80 80 80 00", "blue"),
]
REFUSED = [
    ("a bool that is 2", "echo-bool", "02"),
    ("a u16 of four bytes", "echo-u16", "80 80 80 00"),
    ("a u16 of more than 16 bits", "echo-u16", "ff ff 04"),
    ("a u32 of more than 32 bits", "echo-u32", "ff ff ff ff 1f"),
    ("a u32 of six bytes", "echo-u32", "80 80 80 80 80 00"),
    ("an s16 of more than 16 bits", "echo-s16", "80 80 02"),
    ("a u64 of more than 64 bits", "echo-u64", "ff ff ff ff ff ff ff ff ff 03"),
    ("an s64 whose sign does not reach its end", "echo-s64", "ff ff ff ff ff ff ff ff ff 02"),
    ("a surrogate as a char", "echo-char", "ed a0 80"),
    ("an overlong char", "echo-char", "c0 80"),
    ("a char beyond the last", "echo-char", "f4 90 80 80"),
    ("half of a char", "echo-char", "c3"),
    ("a string that is not UTF-8", "echo-string", "01 ff"),
    ("a string with a surrogate", "echo-string", "03 ed a0 80"),
    ("a string longer than the message", "echo-string", "02 61"),
    ("a list longer than the message", "echo-u32s", "05 01 02"),
    ("a list of 2^31 elements", "echo-points", "ff ff ff ff 07"),
    ("an enum's case that is none", "next-color", "03"),
    ("a variant's case that is none", "weigh", "04"),
    ("an option that is 2", "echo-option", "02 00"),
    ("a result that is 2", "echo-result", "02 00"),
    ("flags that the type does not have", "echo-few", "08"),
    ("the last of nine flags doubled", "echo-nine", "00 02"),
    ("half of the flags", "echo-nine", "01"),
    ("an f64 of seven bytes", "echo-f64", "00 00 00 00 00 00 00"),
    ("bytes behind the arguments", "echo-u8", "01 02"),
    ("no arguments", "echo-u8", ""),
    ("arguments of a function without", "echo-nothing", "00"),
]


def is_nan(text):
    return text == "nan"


def echo(peer, kind, values):
    name = f"values.echo-{kind}"
    for value in values:
        got = peer.call(name, value)
        if is_nan(value):
            if got == got:
                raise Wrong(f"{name}(nan) answered {got}")
            continue
        type_ = peer.rows[name][3]
        expected = wire.encode(type_, value)
        if kind in ("string", "bytes") and len(expected) > LARGE:
            if wire.encode(type_, got) != expected:
                raise Wrong(f"{name}({short(value)}) answered {short(got)}")
        elif peer.last != expected:
            raise Wrong(f"{name}({short(value)}) answered {short(got)}, in bytes {peer.last[:40].hex(' ')}")


def echo_many(peer):
    got = peer.call("values.echo-many", *MANY)
    if wire.encode(peer.rows["values.echo-many"][3], MANY) != peer.last:
        raise Wrong(f"echo-many answered {short(got)}")


def echo_nothing(peer):
    if peer.call("values.echo-nothing") is not None:
        raise Wrong("a result where there is none")


def digest(data):
    h = 0x811c9dc5
    for b in data:
        h = (h ^ b) * 0x01000193 & 0xffffffff
    return h


def filled(n):
    return [(i * 31 + 7) % 256 for i in range(n)]


def letters(n):
    return ("abcdefghijklmnopqrstuvwxyz" * (n // 26 + 1))[:n]


UNDERSTOOD = [
    ("sum", [[1, -2, 1 << 40]], (1 << 40) - 1),
    ("sum", [[]], 0),
    ("reverse", ["h\u00e9\u4e16\U0001f600!"], "!\U0001f600\u4e16\u00e9h"),
    ("weigh", ["nothing"], 0.0),
    ("weigh", [{"circle": -2.5}], -2.5),
    ("weigh", [{"polygon": POINTS}], 3.0),
    ("weigh", [{"named": "h\u00e9\U0001f600"}], 3.0),
    ("next-color", ["red"], "green"),
    ("next-color", ["blue"], "red"),
    ("invert", [["f1", "f8"]], ["f0", "f2", "f3", "f4", "f5", "f6", "f7"]),
    ("invert", [[]], NINE),
    ("digest", [[]], 0x811c9dc5),
    ("digest", [filled(1000)], digest(filled(1000))),
    ("fill", [1000], filled(1000)),
    ("fill", [0], []),
    ("fill-text", [60], letters(60)),
]


def understood(peer):
    for name, args, expected in UNDERSTOOD:
        got = peer.call(f"values.{name}", *args)
        if got != expected:
            raise Wrong(f"{name}({short(args)}) answered {short(got)}, not {short(expected)}")


def read_longer(peer):
    for name, raw, expected in READ:
        got = peer.call(f"values.{name}", raw=bytes.fromhex(raw))
        if got != expected:
            raise Wrong(f"{name} of the bytes {raw} answered {short(got)}, not {short(expected)}")


def refuse(peer, name, raw):
    fault = peer.fault(f"values.{name}", raw=bytes.fromhex(raw))
    if fault.code != "invalid":
        raise Wrong(f"FAULT with the code {fault.code}, not invalid")
    if peer.call("values.echo-u8", 5) != 5:
        raise Wrong("it does not go on as before")


def checks():
    for kind, values in ECHO.items():
        yield f"values: {kind}", lambda peer, kind=kind, values=values: echo(peer, kind, values)
    yield "values: 18 parameters, a tuple of 18", echo_many
    yield "values: no parameters, no result", echo_nothing
    yield "values: what they mean", understood
    yield "values: numbers that are longer than needed are read", read_longer
    for what, name, raw in REFUSED:
        yield f"values: {what}: FAULT", lambda peer, name=name, raw=raw: refuse(peer, name, raw)
