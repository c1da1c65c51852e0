/* Each line of the example blocks of sidecar/PROTOCOL.md, both ways, by the codec of this SDK. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Malformed, Reader } from "./bytes.js";
import { Broken, FRAMES, header, parseHeader } from "./frames.js";
import { parseFunction, parseType } from "./types.js";

const PAGE = readFileSync(new URL("../../../sidecar/PROTOCOL.md", import.meta.url), "utf8");

function lines(tag) {
    const found = [...PAGE.matchAll(/^```(.*)\n([^]*?)^```$/gm)].filter(([, t]) => t === tag);
    assert.ok(found.length, `the page has no block '${tag}'`);
    return found.flatMap(([, , body]) => body.trimEnd().split("\n"));
}

const bytesOf = (hex) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const fields = (line) => line.split(/ ?\| ?/);
const camel = (name) => name.replace(/-(.)/g, (_, c) => c.toUpperCase());

/** The page's JSON as this SDK has values: a second reading of the type's text. */
function shaped(text, v) {
    const kind = /^[a-z0-9]*/.exec(text)[0], inner = text.slice(kind.length + 1, -1), parts = [];
    let depth = 0, start = 0;
    [...`${inner},`].forEach((c, i) => {
        depth += "<({".includes(c) - ">)}".includes(c);
        if (c === "," && !depth) parts.push(inner.slice(start, (start = i + 1) - 1));
    });
    const named = (name) => parts.find((p) => p.startsWith(`${name}(`))?.slice(name.length + 1, -1);
    const of = {
        u64: () => BigInt(v), s64: () => BigInt(v),
        f32: () => Number({ nan: NaN, inf: Infinity, "-inf": -Infinity }[v] ?? v),
        list: () => (parts[0] === "u8" ? Buffer.from(v) : v.map((e) => shaped(parts[0], e))),
        tuple: () => v.map((e, i) => shaped(parts[i], e)),
        record: () => Object.fromEntries(parts.map((p) => {
            const [name, ...rest] = p.split(":");
            return [camel(name), shaped(rest.join(":"), v[name])];
        })),
        variant() {
            if (typeof v === "string") return { tag: v };
            const [[tag, val]] = Object.entries(v);
            return { tag, val: shaped(named(tag), val) };
        },
        flags: () => Object.fromEntries(parts.map((p) => [camel(p), v.includes(p)])),
        option() {
            if (v === null) return undefined;
            const some = shaped(parts[0], v.some);
            return parts[0].startsWith("option") ? { tag: "some", val: some } : some;
        },
        result() {
            const i = "ok" in v ? 0 : 1, val = i ? v.error : v.ok;
            return { tag: i ? "err" : "ok", val: parts[i] === "_" ? undefined : shaped(parts[i], val) };
        },
    };
    of.f64 = of.f32;
    return Object.hasOwn(of, kind) ? of[kind]() : v;
}

/** JSON with whole numbers as they are written: u64 is more than a number holds. */
function json(type, text) {
    return /^[us]64$/.test(type) ? text : JSON.parse(text);
}

for (const line of lines("values"))
    test(`values: ${line}`, () => {
        const [type, shown, hex] = fields(line), value = shaped(type, json(type, shown));
        assert.deepEqual(parseType(type).decode(bytesOf(hex)), value);
        assert.deepEqual(parseType(type).encode(value), bytesOf(hex));
        assert.equal(parseType(type).text, type);
    });

for (const line of lines("values read"))
    test(`values read: ${line}`, () => {
        const [type, shown, hex] = fields(line);
        assert.deepEqual(parseType(type).decode(bytesOf(hex)), shaped(type, json(type, shown)));
    });

for (const line of lines("values refused"))
    test(`values refused: ${line}`, () => {
        const [type, hex] = fields(line);
        assert.throws(() => parseType(type).decode(bytesOf(hex)), Malformed);
    });

for (const line of lines("values shared"))
    test(`values shared: ${line}`, () => {
        const [type, shown, hex] = fields(line), [length, offset] = shown.match(/\d+/g).map(Number);
        const bytes = Buffer.alloc(length, "x"), value = type === "string" ? bytes.toString() : bytes;
        const fetch = (at, n) => (assert.deepEqual([at, n], [offset, length]), bytes);
        assert.deepEqual(parseType(type).decode(bytesOf(hex), { fetch }), value);
        assert.deepEqual(parseType(type).encode(value, { place: () => offset }), bytesOf(hex));
        assert.throws(() => parseType(type).decode(bytesOf(hex)), Malformed);
    });

for (const line of lines("messages"))
    test(`messages: ${line.slice(0, 60)}`, () => {
        const [head, shown, hex] = fields(line), [name, id] = head.split(" "), row = FRAMES[name];
        const [before, tail] = shown.split("+ "), data = bytesOf(hex), payload = data.subarray(12);
        const value = row.type && shaped(row.type.text, JSON.parse(before));
        const parts = row.type ? [row.type.encode(value)] : [];
        const r = new Reader(payload);
        if (row.type) assert.deepEqual(row.type.read(r), value);
        if (tail) {
            const [, text, args] = /^(\(.*?\)) (\[.*)$/.exec(tail), { params } = parseFunction(text);
            const values = shaped(`tuple<${text.slice(1, -1)}>`, JSON.parse(args));
            parts.push(params.encode(values));
            assert.deepEqual(params.read(r), values);
        }
        assert.equal(r.at, payload.length);
        const n = parts.reduce((sum, p) => sum + p.length, 0);
        assert.deepEqual(Buffer.concat([header(row.number, Number(id), n), ...parts]), data);
        assert.deepEqual(parseHeader(data), { length: n, number: row.number, more: false, id: Number(id) });
    });

for (const line of lines("messages cut"))
    test(`messages cut: ${line}`, () => {
        const [head, shown, hex] = fields(line), [name, id, more] = head.split(" "), payload = bytesOf(shown);
        const h = header(FRAMES[name].number, Number(id), payload.length, !!more);
        assert.deepEqual(Buffer.concat([h, payload]), bytesOf(hex));
    });

test("the table of frames is that of the page", () => {
    const rows = lines("frames").map((line) => line.split(/ +/));
    assert.equal(rows.length, Object.keys(FRAMES).length);
    for (const [number, name, sender, , text] of rows) {
        const row = FRAMES[name];
        const shown = text === "error" ? FRAMES.FAIL.type.text : text.replace(/\+$/, "").replace(/^-$/, "");
        assert.deepEqual([row.number, row.host, row.sidecar, row.type?.text ?? ""],
            [Number(number), sender !== "sidecar", sender !== "host", shown], name);
    }
});

test("headers that are none", () => {
    for (const bad of ["01001000 12 00 6c70 02000000", "01000000 12 02 6c70 02000000", "01000000 12 00 6d70 02000000"])
        assert.throws(() => parseHeader(bytesOf(bad)), Broken);
    assert.throws(() => parseHeader(Buffer.from("hello, world")), Broken);
});

test("what an author gets wrong is a TypeError", () => {
    const wrong = [
        ["u8", 256], ["u8", -1], ["u8", 1.5], ["u8", "1"], ["s8", -129], ["u32", 2 ** 32], ["u64", -1n],
        ["u64", 2 ** 60], ["s64", 1n << 63n], ["bool", 1], ["char", "ab"], ["char", ""], ["string", Buffer.from("x")],
        ["string", "\ud800"], ["list<u8>", 3], ["list<u8>", [256]], ["list<u32>", undefined], ["tuple<u8>", [1, 2]],
        ["record{a:u8}", {}], ["record{a:u8}", null], ["variant{a,b(u8)}", "c"], ["variant{a,b(u8)}", { tag: "b" }],
        ["enum{a}", "b"], ["flags{a}", { b: true }], ["result<u8,_>", 1], ["option<option<u8>>", 1],
        ["own<a:b/c.d>", 0], ["f32", 1n],
    ];
    for (const [type, value] of wrong)
        assert.throws(() => parseType(type).encode(value), TypeError, `${type} of ${String(value)}`);
});

test("texts that are no type", () => {
    const wrong = ["", "u9", "list", "list<>", "list<u8", "list<u8>>", "u8 ", " u8", "list< u8>", "record{a}", "record{}",
        "record{a:u8,a:u8}", "record{a:u8,}", "variant{}", "enum{}", "flags{}", "tuple<>", "result<u8>", "own<x>", "own<>",
        "result<u8,u8,u8>", "option<_>", "_", "(u8)", `${"list<".repeat(64)}u8${">".repeat(64)}`,
        `flags{${Array.from({ length: 33 }, (_, i) => `f${i}`)}}`, "constructor"];
    for (const text of wrong) assert.throws(() => parseType(text), TypeError, text);
    for (const text of ["", "u8", "()->", "(u8", "()u8", "()->_", "() -> u8"])
        assert.throws(() => parseFunction(text), TypeError, text);
    assert.equal(parseFunction("()").result, undefined);
});

test("values one behind the other, in pieces that are cut anywhere", async () => {
    const type = parseType("variant{a,b(record{name:string,bytes:list<u8>,many:list<list<u16>>})}");
    const values = [{ tag: "a" }, ...[0, 1, 200, 70000].map((n) => ({
        tag: "b", val: { name: "n".repeat(n), bytes: Buffer.alloc(n, n), many: [[], Array.from({ length: n }, (_, i) => i % 65536)] },
    })), { tag: "a" }];
    const data = Buffer.concat(values.map((v) => type.encode(v)));
    const each = async (bytes, size, most) => {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
        const found = [];
        for await (const value of type.each(pieces, most)) found.push(value);
        return found;
    };
    for (const size of [1000, 4096, 65536, 1 << 24]) assert.deepEqual(await each(data, size), values);
    for (const size of [1, 2, 3, 7]) assert.deepEqual(await each(data.subarray(0, 16), size), values.slice(0, 3));
    assert.deepEqual(await each(data.subarray(0, 0), 1), []);
    for (const cut of [2, 5, 900, data.length - 2]) await assert.rejects(each(data.subarray(0, cut), 64), Malformed);
    await assert.rejects(each(data, 1000, 100000), Malformed, "a value of more than was allowed");
    await assert.rejects(each(Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0x0e, 1]), 1), Malformed, "a length of 4 GB");
    await assert.rejects(each(Buffer.from([0, 2]), 1), Malformed, "a case that is none");
});
