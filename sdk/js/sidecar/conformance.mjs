/* What sidecar/conformance/conformance.wit asks for; sidecar/conformance/run.py checks it. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Err, Fault, parseType, serve } from "./sidecar.js";

const THINGS = "test:conformance/things";
const STATE = parseType("record{total:u64,notes:list<string>}"), NAME = parseType("string");
let host, total = 0n, notes = [], live = 0;
let copied, arrived; // how many notes a copy has; what one brought

/** A name, and how many handles of it there are. */
class Thing {
    constructor(name) {
        this.name = name;
        this.handles = 1;
        live++;
    }

    again() {
        this.handles++;
        return this;
    }

    drop() {
        if (--this.handles === 0) live--;
    }
}

const moved = {
    drop: (thing) => thing.drop(),
    save: (thing) => NAME.encode(thing.name),
    restore: (bytes) => new Thing(NAME.decode(bytes)),
};

const wait = (ms, call) => sleep(ms, ms, { signal: call.signal }).catch(() => {
    throw new Err(call.cancelled.why);
});

function refuse(why) {
    throw new Err(why);
}

const colors = ["red", "green", "blue"];
const weights = { nothing: () => 0, circle: (n) => n, polygon: (p) => p.length, named: (s) => [...s].length };

const runs = {
    values: {
        sum: (v) => BigInt.asIntN(64, v.reduce((a, b) => a + b, 0n)),
        reverse: (v) => [...v].reverse().join(""),
        weigh: ({ tag, val }) => weights[tag](val),
        "next-color": (v) => colors[(colors.indexOf(v) + 1) % 3],
        invert: (v) => Object.fromEntries(Object.entries(v).map(([name, set]) => [name, !set])),
        digest: (v) => v.reduce((hash, byte) => Math.imul(hash ^ byte, 16777619) >>> 0, 2166136261),
        fill: (n) => new Uint8Array(n).map((_, i) => i * 31 + 7),
        "fill-text": (n) => "abcdefghijklmnopqrstuvwxyz".repeat(Math.ceil(n / 26)).slice(0, n),
        "echo-nothing": () => {},
        "echo-result": ({ tag, val }) => (tag === "ok" ? val : refuse(val)),
        "echo-many": (...v) => v.slice(0, -1),
    },
    calls: {
        who: (call) => call.caller,
        wait,
        fault(code, messages, hint) {
            throw new Fault(code, messages, hint);
        },
        refuse: (why) => refuse(why),
        log: (level, message, field, value, call) => call.log(level, message, { [field]: value }),
        print: (text) => console.log(text),
        "option-text": (name) => host.texts[name],
        once: undefined,
        twice: async (n, call) => (await call.next("once", n)) + (await call.next("once", n + 1)),
        try: (n, call) => call.next("once", n).catch((why) => {
            throw new Err(why.code);
        }),
        open: (name, call) => call.next("open", name),
        label: async (item, call) => `<${await call.next("label", item)}>`,
        forget: async (name, call) => (await call.next("open", name)).drop(),
    },
    things: {
        "[method]thing.name": (thing) => thing.name,
        "[static]thing.make": (name) => new Thing(name),
        "make-other": () => new Thing("other"),
        again: (thing) => thing.again(),
        names: (a, b) => `${a.name}+${b.name}`,
        "make-many": (n) => Array.from({ length: n }, (_, i) => new Thing(`${i}`)),
        take(thing) {
            thing.drop();
            return thing.name;
        },
        "take-and-fail"(thing) {
            thing.drop();
            throw new Fault("internal", "as was asked for");
        },
        live: () => live,
    },
    state: {
        add: (n) => (total += n),
        note: (text) => void notes.push(text),
        notes: () => notes,
    },
};

/** conformance.txt lists names and types; functions without one here echo their argument. */
function interfaces() {
    const text = readFileSync(new URL("../../../sidecar/conformance/conformance.txt", import.meta.url), "utf8");
    const found = {};
    let functions, run;
    for (const line of text.split("\n").filter((line) => line && !line.startsWith("#"))) {
        const [name, second, third] = line.trim().split(" ");
        if (line.startsWith(" ")) {
            if (third === "-") functions[name] = [second];
            else if (name in run || name.startsWith("echo-")) functions[name] = [second, run[name] ?? ((v) => v)];
            continue;
        }
        functions = {};
        run = runs[name.split("/")[1]];
        const drop = name === THINGS ? (thing) => thing.drop() : undefined;
        const resources = Object.fromEntries((third?.split(",") ?? []).map((r) => [r, r === "thing" ? moved : drop]));
        found[`${name}@${second}`] = { functions, resources };
    }
    return found;
}

await serve({
    name: "conformance", version: "1.0.0", summary: "what the conformance script asks for",
    options: {
        text: { type: "string", fallback: "hello" },
        mode: { type: "enum", values: ["ready", "unavailable", "broken"], fallback: "ready" },
        limit: { type: "size" },
    },
    interfaces: interfaces(),
    open(given) {
        host = given;
        const code = { unavailable: "unavailable", broken: "internal" }[host.options.mode];
        if (code) throw new Fault(code, ["cannot open", `the mode is ${host.options.mode}`], "use another mode");
    },
    state: {
        copies: true,
        *save(name, pass) {
            if (name !== "test:conformance/state") return;
            if (pass === "rest" && copied === undefined) throw new Fault("invalid", "a rest without a copy");
            const held = { total, notes: notes.slice(pass === "rest" ? copied : 0) };
            if (pass === "copy") copied = notes.length;
            yield STATE.encode(held);
        },
        async restore(name, pass, pieces) {
            const parts = [];
            for await (const piece of pieces) parts.push(piece);
            const found = STATE.decode(Buffer.concat(parts));
            if (name !== "test:conformance/state") throw new Fault("invalid", `nothing of ${name} is kept here`);
            if (pass === "copy") return void (arrived = found);
            if (pass === "rest" && !arrived) throw new Fault("invalid", "a rest without a copy");
            notes = [...(pass === "rest" ? arrived.notes : []), ...found.notes];
            total = found.total;
            arrived = undefined;
        },
        resume: () => (copied = undefined),
    },
});
