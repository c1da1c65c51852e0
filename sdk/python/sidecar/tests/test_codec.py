"""Each line of the blocks `values` and `messages` of sidecar/PROTOCOL.md, both ways."""

import json
import math
import re
import struct
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from loop_sidecar import frames, types  # noqa: E402
from loop_sidecar.types import Case, Err, Ok, Some, parse, parse_function  # noqa: E402

PAGE = (HERE.parents[3] / "sidecar/PROTOCOL.md").read_text("utf-8")


def lines(tag):
    found = [line for block in re.findall(rf"^```{tag}\n(.*?)^```$", PAGE, re.M | re.S)
             for line in block.splitlines()]
    assert found, f"the page has no block '{tag}'"
    return [[part.strip() for part in line.split("|")] for line in found]


class Shape:
    """A second reading of a type's text, for turning the page's JSON into values."""

    def __init__(self, text):
        self.kind = re.match(r"[a-z0-9_]+|", text)[0]
        inner = text[len(self.kind) + 1:-1]
        self.parts, depth, start = [], 0, 0
        for i, letter in enumerate(inner + ","):
            depth += (letter in "<({") - (letter in ">)}")
            if letter == "," and depth == 0:
                self.parts.append(inner[start:i])
                start = i + 1
        self.parts = [p for p in self.parts if p]

    def value(self, v):
        one = getattr(self, self.kind, None)
        return one(v) if one else float(v) if self.kind[0] == "f" else v

    def list(self, v):
        return bytes(v) if self.parts == ["u8"] else [Shape(self.parts[0]).value(x) for x in v]

    def tuple(self, v):
        return tuple(Shape(p).value(x) for p, x in zip(self.parts, v))

    def record(self, v):
        fields = [p.split(":", 1) for p in self.parts]
        return {name.replace("-", "_"): Shape(t).value(v[name]) for name, t in fields}

    def variant(self, v):
        if isinstance(v, str):
            return Case(v)
        (name, payload), = v.items()
        of = next(p for p in self.parts if p.startswith(name + "("))
        return Case(name, Shape(of[len(name) + 1:-1]).value(payload))

    def option(self, v):
        if v is None:
            return None
        inner = Shape(self.parts[0])
        return Some(inner.value(v["some"])) if inner.kind == "option" else inner.value(v["some"])

    def result(self, v):
        which = "ok" in v
        of = self.parts[0 if which else 1]
        payload = v["ok" if which else "error"]
        return (Ok if which else Err)(None if of == "_" else Shape(of).value(payload))

    def flags(self, v):
        return set(v)


def same(a, b):
    return a == b or isinstance(a, float) and math.isnan(a) and math.isnan(b)


class Values(unittest.TestCase):
    def test_each_value_is_written_and_read_as_the_page_says(self):
        for text, shown, data in lines("values"):
            with self.subTest(text, value=shown):
                data, value = bytes.fromhex(data), Shape(text).value(json.loads(shown))
                self.assertEqual(parse(text).encode(value), data)
                self.assertTrue(same(parse(text).decode(data), value))
                for end in range(len(data)):
                    with self.assertRaises(types.Malformed):
                        parse(text).decode(data[:end])

    def test_longer_numbers_are_read(self):
        for text, shown, data in lines("values read"):
            self.assertEqual(parse(text).decode(bytes.fromhex(data)), json.loads(shown))

    def test_what_the_page_refuses_is_refused(self):
        for text, data in lines("values refused"):
            with self.subTest(text, data=data), self.assertRaises(types.Malformed):
                parse(text).decode(bytes.fromhex(data))

    def test_references_are_read_and_written(self):
        class Peer:
            def fetch(self, offset, n):
                return bytes([offset >> 24]) * n

            def place(self, data):
                return int.from_bytes(data[:1], "little") << 24

        for text, shown, data in lines("values shared"):
            length, offset = map(int, re.findall(r"\d+", shown))
            data, want = bytes.fromhex(data), bytes([offset >> 24]) * length
            want = want.decode() if text == "string" else want
            self.assertEqual(parse(text).decode(data, Peer()), want)
            self.assertEqual(parse(text).encode(want, Peer()), data)

    def test_what_an_author_gets_wrong_is_a_value_error(self):
        for text, value in [("u8", 256), ("u8", True), ("s8", -129), ("u32", -1), ("bool", 1), ("char", "ab"),
                            ("string", b"x"), ("string", "\ud800"), ("list<u8>", 3), ("list<u8>", [256]),
                            ("tuple<u8>", (1, 2)), ("record{a:u8}", {}), ("variant{a,b(u8)}", "c"),
                            ("variant{a}", Case("a", 1)), ("enum{a}", "b"), ("flags{a}", {"b"}),
                            ("result<u8,_>", 1), ("option<option<u8>>", 1), ("own<a:b/c.d>", 0)]:
            with self.subTest(text, value=value), self.assertRaises(ValueError):
                parse(text).encode(value)


class Several(unittest.TestCase):
    TYPE = parse("variant{a,b(record{name:string,bytes:list<u8>,many:list<list<u16>>})}")

    def each(self, data, size, **most):
        return list(self.TYPE.each((data[i:i + size] for i in range(0, len(data), size)), **most))

    def test_values_one_behind_the_other_in_pieces_cut_anywhere(self):
        values = [Case("a"), *(Case("b", {"name": "n" * n, "bytes": bytes(n), "many": [[], [i % 65536 for i in range(n)]]})
                               for n in (0, 1, 200, 70000)), Case("a")]
        encoded = [self.TYPE.encode(v) for v in values]
        data = b"".join(encoded)
        for size in (1000, 4096, 65536, 1 << 24):
            self.assertEqual([self.TYPE.encode(v) for v in self.each(data, size)], encoded)
        for size in (1, 2, 3, 7):
            self.assertEqual(len(self.each(b"".join(encoded[:4]), size)), 4)
        self.assertEqual(self.each(b"", 1), [])
        for cut in (2, 5, 900, len(data) - 2):
            with self.subTest(cut), self.assertRaises(types.Malformed):
                self.each(data[:cut], 64)
        for bad, most in ((data, 100000), (bytes.fromhex("01ffffffff0e01"), 1 << 26), (bytes([0, 2]), 1 << 26)):
            with self.assertRaises(types.Malformed):
                self.each(bad, 1000, most=most)


class Texts(unittest.TestCase):
    def test_what_is_no_type_is_refused(self):
        for text in ["", "u9", "list", "list<>", "list<u8", "list<u8>>", "u8 ", " u8", "list< u8>", "record{a}", "record{}", "flags{}", "tuple<>",
                     "record{a:u8,a:u8}", "variant{}", "enum{}", "result<u8>", "result<u8,u8,u8>", "own<x>",
                     "own<>", "option<_>", "_", "(u8)", "list<" * 64 + "u8" + ">" * 64,
                     f"flags{{{','.join(f'f{i}' for i in range(33))}}}"]:
            with self.subTest(text), self.assertRaises(ValueError):
                parse(text)

    def test_functions(self):
        f = parse_function("(string,list<u8>)->result<_,string>")
        self.assertEqual((f.parameters.encode(("k", b"\1")), f.result.text),
                         (b"\1k\1\1", "result<_,string>"))
        self.assertIsNone(parse_function("()").result)
        for text in ["", "u8", "()->", "(u8", "()u8", "()->_", "() -> u8"]:
            with self.subTest(text), self.assertRaises(ValueError):
                parse_function(text)


class Messages(unittest.TestCase):
    def test_each_message_is_written_and_read_as_the_page_says(self):
        for parts in lines("messages"):
            with self.subTest(parts[0]):
                self.message(*parts)

    def message(self, head, shown, data):
        name, number = head.split()
        data, row = bytes.fromhex(data), frames.TYPES[name]
        shown, _, tail = shown.partition("+ ")
        payload = b""
        if row.type:
            value = Shape(row.type.text).value(json.loads(shown))
            payload = row.type.encode(value)
        if tail:
            text, value = re.match(r"(\(.*?\)) (\[.*)", tail).groups()
            payload += parse_function(text).parameters.encode(
                Shape("tuple<" + text[1:-1] + ">").value(json.loads(value)))
        self.assertEqual(frames.header(row.number, int(number), len(payload)) + payload, data)
        if row.type:
            self.assertEqual(row.type.decode(data[12:], more_follows=bool(tail)), value if not tail else
                             Shape(row.type.text).value(json.loads(shown)))

    def test_the_table_is_that_of_the_page(self):
        block = re.search(r"^```frames\n(.*?)^```$", PAGE, re.M | re.S)[1]
        for line in block.splitlines():
            number, name, sender, _, text = line.split(None, 4)
            text = text.rstrip("+").strip().replace("error", "record{code:string,messages:list<string>,"
                                                    "hint:option<string>}") if "START" not in line and \
                "LOG " not in line else text.strip()
            row = frames.TYPES[name]
            self.assertEqual((row.number, row.host, row.sidecar), (
                int(number, 16), sender in ("host", "both"), sender in ("sidecar", "both")), name)
            self.assertEqual(row.type.text if row.type else "", "" if text == "-" else text, name)

    def test_a_message_in_two_frames(self):
        for head, payload, data in lines("messages cut"):
            words = head.split()
            more = len(words) == 3
            payload = bytes.fromhex(payload)
            self.assertEqual(frames.header(frames.TYPES[words[0]].number, int(words[1]), len(payload), more) + payload,
                             bytes.fromhex(data))

    def test_headers_that_are_none(self):
        good = struct.pack("<IBBHI", 1 << 20, 0x12, 1, 0x706C, 2)
        self.assertEqual(frames.parse_header(good), (1 << 20, 0x12, True, 2))
        for bad in [struct.pack("<IBBHI", (1 << 20) + 1, 0x12, 0, 0x706C, 2),
                    struct.pack("<IBBHI", 1, 0x12, 2, 0x706C, 2), struct.pack("<IBBHI", 1, 0x12, 0, 0x706D, 2),
                    b"hello, world"]:
            with self.assertRaises(frames.Broken):
                frames.parse_header(bad)


if __name__ == "__main__":
    unittest.main()
