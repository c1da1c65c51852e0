/*
 * Values of the component model as JavaScript and as bytes.
 *
 * A type's structural text is compiled once, to a function that writes and one that reads; no text is
 * looked at when values pass. What comes in is checked as sidecar/PROTOCOL.md says. What goes out is
 * checked too, so that an author's slip is a TypeError here and not a broken stream there.
 *
 *     bool, char, string            boolean, string of one character, string
 *     u8 to u32, s8 to s32, floats  number
 *     u64, s64                      bigint (a safe integer may go out)
 *     list<u8>                      Uint8Array (any list of bytes may go out)
 *     list<T>, tuple<A,B>           array
 *     record{a-b:T}                 { aB: .. }
 *     variant{x,y(T)}               { tag: "y", val: .. }; a string may go out for { tag: "x" }
 *     enum{x,y}                     "x"
 *     flags{x,y-z}                  { x: true, yZ: false }; what is missing is false
 *     option<T>                     undefined or the value (null may go out);
 *                                   option<option<T>>: undefined or { tag: "some", val: .. }
 *     result<T,E>                   { tag: "ok", val: .. } or { tag: "err", val: .. }
 *     own<R>, borrow<R>             what `peer` makes of the number; without one a number
 *
 * These are the mappings of jco, which components in JavaScript have too.
 */
import { isUtf8 } from "node:buffer";
import { Malformed, Reader, Short, Writer } from "./bytes.js";

const DEEPEST = 64, MOST_FLAGS = 32, LONGEST_TEXT = 65536;

/** One type: `text`, `kind`, `write(writer, value)`, `read(reader)`. */
class Type {
    constructor(text, kind, parts) {
        this.text = text;
        this.kind = kind;
        Object.assign(this, parts);
    }

    encode(value, peer) {
        const w = new Writer(peer);
        this.write(w, value);
        return w.done();
    }

    decode(data, peer) {
        const r = new Reader(data, peer);
        const value = this.read(r);
        if (r.at !== data.length)
            throw new Malformed(`${data.length - r.at} bytes are behind the value`);
        return value;
    }

    /**
     * The values that stand one behind the other in pieces of bytes, cut anywhere: each as soon as it is
     * there. Throws Malformed where one is none, ends too early or has more than `most` bytes.
     */
    async *each(pieces, most = 64 << 20) {
        let parts = [], have = 0, needed = 1;
        for await (const piece of pieces) {
            parts.push(piece);
            if ((have += piece.length) < needed) continue;
            const { values, rest, missing } = this.#several(parts, have);
            yield* values;
            parts = [rest];
            have = rest.length;
            if (have + missing > most) throw new Malformed(`a value of more than ${most} bytes`);
            needed = have + Math.max(missing, have >> 1); // what is long is not looked at for every piece
        }
        const { values, rest } = this.#several(parts, have);
        yield* values;
        if (rest.length) throw new Malformed("the bytes end within a value");
    }

    /** The values that are there, the bytes behind them, and how many more the next one needs at least. */
    #several(parts, length) {
        const r = new Reader(Buffer.concat(parts, length)), values = [];
        for (let at = 0; ; at = r.at) {
            if (at === length) return { values, rest: Buffer.alloc(0), missing: 1 };
            try {
                values.push(this.read(r));
            } catch (why) {
                if (!(why instanceof Short)) throw why;
                return { values, rest: r.data.subarray(at), missing: why.missing };
            }
        }
    }
}

function wrong(value, what) {
    const shown = typeof value === "object" ? JSON.stringify(value)?.slice(0, 80) : String(value);
    return new TypeError(`${shown} is no ${what}`);
}

/* ---- the plain types ---- */

function whole(kind) {
    const bits = Number(kind.slice(1)), signed = kind[0] === "s";
    const low = signed ? -(2 ** (bits - 1)) : 0, high = signed ? 2 ** (bits - 1) : 2 ** bits;
    const check = (v) => {
        if (!Number.isInteger(v) || v < low || v >= high) throw wrong(v, kind);
        return v;
    };
    if (kind === "u8") return { write: (w, v) => w.byte(check(v)), read: (r) => r.byte() };
    if (kind === "s8")
        return { write: (w, v) => w.byte(check(v) & 0xff), read: (r) => (r.byte() << 24) >> 24 };
    if (signed) return { write: (w, v) => w.signed(check(v)), read: (r) => r.signed(bits) };
    return { write: (w, v) => w.unsigned(check(v)), read: (r) => r.unsigned(bits) };
}

function long(kind) {
    const signed = kind === "s64";
    return {
        write(w, v) {
            if (typeof v !== "bigint" && !Number.isSafeInteger(v)) throw wrong(v, kind);
            const b = BigInt(v);
            if (b !== (signed ? BigInt.asIntN(64, b) : BigInt.asUintN(64, b))) throw wrong(v, kind);
            w.long(b, signed);
        },
        read: (r) => r.long(signed),
    };
}

function float(kind, size, set, get) {
    const nan = kind === "f32" ? [0, 0, 0xc0, 0x7f] : [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];
    return {
        write(w, v) {
            if (typeof v !== "number") throw wrong(v, kind);
            w.room(size);
            if (Number.isNaN(v)) w.data.set(nan, w.at);
            else w.data[set](v, w.at);
            w.at += size;
        },
        read: (r) => r.take(size)[get](0),
    };
}

function textOf(bytes) {
    if (!isUtf8(bytes)) throw new Malformed("text that is not UTF-8");
    return bytes.utf8Slice(0, bytes.length);
}

const STRING = {
    write(w, v) {
        if (typeof v !== "string" || !v.isWellFormed()) throw wrong(v, "string");
        w.string(v);
    },
    read: (r) => textOf(r.chunk()),
};

const CHAR = {
    write(w, v) {
        if (typeof v !== "string" || !v.isWellFormed() || [...v].length !== 1) throw wrong(v, "char");
        const bytes = Buffer.from(v);
        for (const b of bytes) w.byte(b);
    },
    read(r) {
        const first = r.byte();
        r.at--;
        return textOf(r.take(first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4));
    },
};

const BOOL = {
    write(w, v) {
        if (typeof v !== "boolean") throw wrong(v, "bool");
        w.byte(v ? 1 : 0);
    },
    read: (r) => tagOf(r, 2, "bool") === 1,
};

const PLAIN = {
    bool: BOOL, char: CHAR, string: STRING, u64: long("u64"), s64: long("s64"),
    f32: float("f32", 4, "writeFloatLE", "readFloatLE"),
    f64: float("f64", 8, "writeDoubleLE", "readDoubleLE"),
};
for (const kind of ["u8", "u16", "u32", "s8", "s16", "s32"]) PLAIN[kind] = whole(kind);

/* ---- what is made of others ---- */

function tagOf(r, n, what) {
    const tag = r.byte();
    if (tag >= n) throw new Malformed(`${tag} is no ${what}`);
    return tag;
}

function caseOf(r, n) {
    const i = r.unsigned(32);
    if (i >= n) throw new Malformed(`the case ${i} of ${n}`);
    return i;
}

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());

const BYTES = {
    write(w, v) {
        if (Array.isArray(v)) v = Uint8Array.from(v, (b) => (b === (b & 0xff) ? b : bad(b)));
        if (!(v instanceof Uint8Array)) throw wrong(v, "list<u8>");
        w.chunk(v);
    },
    read: (r) => r.chunk(),
};

function bad(b) {
    throw wrong(b, "u8");
}

function list(of) {
    if (of.kind === "u8") return BYTES;
    return {
        write(w, v) {
            if (!Array.isArray(v) && !ArrayBuffer.isView(v)) throw wrong(v, "list");
            w.unsigned(v.length);
            for (let i = 0; i < v.length; i++) of.write(w, v[i]);
        },
        read(r) {
            const n = r.unsigned(32), left = r.data.length - r.at; // each has a byte, at least
            if (n > left) throw new Short(`a list of ${n} in ${left} bytes`, n - left);
            const found = [];
            for (let i = 0; i < n; i++) found.push(of.read(r));
            return found;
        },
    };
}

function tuple(parts) {
    return {
        write(w, v) {
            if (!Array.isArray(v) || v.length !== parts.length) throw wrong(v, `tuple of ${parts.length}`);
            parts.forEach((p, i) => p.write(w, v[i]));
        },
        read: (r) => parts.map((p) => p.read(r)),
    };
}

function record(fields) {
    const named = fields.map(([name, of]) => [camel(name), of]);
    return {
        write(w, v) {
            if (typeof v !== "object" || v === null) throw wrong(v, "record");
            for (const [name, of] of named) of.write(w, v[name]);
        },
        read(r) {
            const found = {};
            for (const [name, of] of named) found[name] = of.read(r);
            return found;
        },
    };
}

function variant(cases) {
    const numbers = new Map(cases.map(([name], i) => [name, i]));
    return {
        write(w, v) {
            const tag = typeof v === "string" ? v : v?.tag, i = numbers.get(tag);
            if (i === undefined) throw wrong(v, `case of ${[...numbers.keys()].join(", ")}`);
            w.unsigned(i);
            cases[i][1]?.write(w, v.val);
        },
        read(r) {
            const [tag, of] = cases[caseOf(r, cases.length)];
            return of ? { tag, val: of.read(r) } : { tag };
        },
    };
}

function enumeration(names) {
    const numbers = new Map(names.map((name, i) => [name, i]));
    return {
        write(w, v) {
            if (!numbers.has(v)) throw wrong(v, `case of ${names.join(", ")}`);
            w.unsigned(numbers.get(v));
        },
        read: (r) => names[caseOf(r, names.length)],
    };
}

function flags(names) {
    const keys = names.map(camel), size = Math.ceil(names.length / 8);
    return {
        write(w, v) {
            if (typeof v !== "object" || v === null) throw wrong(v, "set of flags");
            for (const key of Object.keys(v))
                if (!keys.includes(key)) throw wrong(key, `flag of ${keys.join(", ")}`);
            for (let b = 0; b < size; b++) {
                let bits = 0;
                for (let i = b * 8; i < Math.min(keys.length, b * 8 + 8); i++)
                    if (v[keys[i]]) bits |= 1 << (i % 8);
                w.byte(bits);
            }
        },
        read(r) {
            const bytes = r.take(size), found = {}, last = names.length % 8;
            if (last && bytes[size - 1] >> last) throw new Malformed("a flag that the type does not have");
            keys.forEach((key, i) => (found[key] = ((bytes[i >> 3] >> (i % 8)) & 1) === 1));
            return found;
        },
    };
}

function option(of) {
    const nested = of.kind === "option";
    return {
        write(w, v) {
            if (v === undefined || v === null || (nested && v.tag === "none")) return w.byte(0);
            if (nested && v.tag !== "some") throw wrong(v, "option of an option");
            w.byte(1);
            of.write(w, nested ? v.val : v);
        },
        read(r) {
            if (!tagOf(r, 2, "tag of an option")) return undefined;
            return nested ? { tag: "some", val: of.read(r) } : of.read(r);
        },
    };
}

function result(ok, err) {
    return {
        write(w, v) {
            if (v?.tag !== "ok" && v?.tag !== "err") throw wrong(v, "result");
            w.byte(v.tag === "ok" ? 0 : 1);
            (v.tag === "ok" ? ok : err)?.write(w, v.val);
        },
        read(r) {
            const failed = tagOf(r, 2, "tag of a result");
            return { tag: failed ? "err" : "ok", val: (failed ? err : ok)?.read(r) };
        },
    };
}

function handle(kind, resource) {
    return {
        write(w, v) {
            const n = w.peer ? w.peer.give(kind, resource, v) : v;
            if (!Number.isSafeInteger(n) || n < 1) throw wrong(v, `handle of ${resource}`);
            w.unsigned(n);
        },
        read(r) {
            const n = r.long(false);
            if (n < 1n || n >= 1n << 53n) throw new Malformed(`${n} is no handle`);
            return r.peer ? r.peer.take(kind, resource, Number(n)) : Number(n);
        },
    };
}

/* ---- the parser ---- */

const TOKEN = /->|[A-Za-z0-9][A-Za-z0-9-]*|[<>(){},:_]/y;
const RESOURCE = /<([^<>(){},\s]+\/[^<>(){},\s]+\.[A-Za-z0-9-]+)>/y;

class Parser {
    constructor(text) {
        if (text.length > LONGEST_TEXT) throw new TypeError("a type's text has more than 65,536 bytes");
        this.text = text;
        this.at = this.depth = 0;
    }

    fail(what) {
        throw new TypeError(`no type: ${what} at ${this.at} of '${this.text.slice(0, 200)}'`);
    }

    peek() {
        TOKEN.lastIndex = this.at;
        return TOKEN.exec(this.text)?.[0] ?? "";
    }

    next(wanted) {
        const token = this.peek();
        if (!token || (wanted && token !== wanted))
            this.fail(wanted ? `'${wanted}' is missing` : "something is missing");
        this.at += token.length;
        return token;
    }

    name() {
        const token = this.next();
        if (!/^[A-Za-z0-9]/.test(token)) this.fail(`'${token}' is no name`);
        return token;
    }

    /** What stands before `close`, with commas. */
    several(close, one) {
        const found = [];
        while (this.peek() !== close) {
            if (found.length) this.next(",");
            found.push(one());
        }
        this.next(close);
        return found;
    }

    /** `{...}`: pairs of a name, which comes once, and a type or undefined. */
    named(one) {
        this.next("{");
        const found = this.several("}", one);
        if (!found.length) this.fail("there is nothing between { and }");
        if (new Set(found.map(([name]) => name)).size !== found.length) this.fail("a name comes twice");
        return found;
    }

    type() {
        const start = this.at;
        if (++this.depth > DEEPEST) this.fail("it is nested too deep");
        const kind = this.next();
        const parts = Object.hasOwn(PLAIN, kind) ? PLAIN[kind] : this.made(kind);
        this.depth--;
        return new Type(this.text.slice(start, this.at), kind, parts);
    }

    maybe() {
        if (this.peek() !== "_") return this.type();
        this.next();
        return undefined;
    }

    field = () => {
        const name = this.name();
        this.next(":");
        return [name, this.type()];
    };

    case = () => {
        const name = this.name();
        if (this.peek() !== "(") return [name, undefined];
        this.next("(");
        const of = this.type();
        this.next(")");
        return [name, of];
    };

    label = () => [this.name()];

    made(kind) {
        if (kind === "own" || kind === "borrow") {
            RESOURCE.lastIndex = this.at;
            const found = RESOURCE.exec(this.text);
            if (!found) this.fail("the resource is missing");
            this.at += found[0].length;
            return handle(kind, found[1]);
        }
        if (kind === "record") return record(this.named(this.field));
        if (kind === "variant") return variant(this.named(this.case));
        if (kind === "enum") return enumeration(this.named(this.label).map(([name]) => name));
        if (kind === "flags") {
            const names = this.named(this.label).map(([name]) => name);
            if (names.length > MOST_FLAGS) this.fail("there are more than 32 flags");
            return flags(names);
        }
        if (!["list", "option", "tuple", "result"].includes(kind)) this.fail(`'${kind}' is no type`);
        this.next("<");
        if (kind === "tuple") {
            const parts = this.several(">", () => this.type());
            return parts.length ? tuple(parts) : this.fail("a tuple of nothing");
        }
        const first = kind === "result" ? this.maybe() : this.type();
        let parts;
        if (kind === "result") {
            this.next(",");
            const err = this.maybe();
            parts = { ...result(first, err), ok: first, err };
        } else parts = kind === "list" ? list(first) : option(first);
        this.next(">");
        return parts;
    }

    function() {
        this.next("(");
        const parts = this.several(")", () => this.type());
        const params = new Type(this.text.slice(0, this.at), "tuple", tuple(parts));
        let of;
        if (this.peek() === "->") {
            this.next();
            of = this.type();
        }
        return { text: this.text, params, result: of };
    }

    whole(found) {
        return this.at === this.text.length ? found : this.fail("there is more than a type");
    }
}

/** The Type that a text such as `list<record{a:u8}>` describes; a TypeError where it is none. */
export function parseType(text) {
    const p = new Parser(text);
    return p.whole(p.type());
}

/** What a text such as `(string)->result<u32,string>` describes: { text, params, result }. */
export function parseFunction(text) {
    const p = new Parser(text);
    return p.whole(p.function());
}
