/* What an author meets: errors, calls, interfaces, options. The conversation is in sidecar.js. */
import { parseFunction } from "./types.js";

/** What a function throws to answer the error of its result<T,E>; what `next` throws for one. */
export class Err extends Error {
    constructor(payload) {
        super(typeof payload === "string" ? payload : JSON.stringify(payload?.tag ?? payload ?? "error"));
        this.payload = payload;
    }
}

/** An error that no component can handle: it ends the one that called. Codes: PROTOCOL.md. */
export class Fault extends Error {
    constructor(code, messages, hint) {
        messages = [messages].flat();
        super(messages.join(": "));
        Object.assign(this, { code, messages, hint });
    }

    /** Of whatever was thrown. */
    static of(why, doing) {
        if (why instanceof Fault) return why;
        return new Fault("internal", [doing, String(why?.message ?? why) || "no message"]);
    }

    toWire() {
        const cut = (text) => Buffer.from(`${text}`.toWellFormed()).subarray(0, 4096).toString().replace(/\ufffd$/, "");
        return { code: this.code, messages: this.messages.slice(0, 16).map(cut), hint: this.hint && cut(this.hint) };
    }
}

/** What a function gets behind its arguments. */
export class Call {
    #sidecar;
    #abort;
    constructor(sidecar, id, caller, row, deadline) {
        this.#sidecar = sidecar;
        this.id = id;
        /** Who asks: { component, identity, instance, storage, storageWhy }. */
        this.caller = caller;
        this.interface = row?.interface;
        /** When the host gives up, on the clock of performance.now(); Infinity: never. */
        this.deadline = deadline ? performance.now() + deadline : Infinity;
        /** { why: "interrupted" | "deadline" | "stopped", left: milliseconds } once it was cancelled. */
        this.cancelled = undefined;
        this.nexts = new Set();
    }

    /** An AbortSignal: aborted when the host cancels the call. Answer soon, with what is sensible. */
    get signal() {
        this.#abort ??= new AbortController();
        if (this.cancelled) this.#abort.abort(this.cancelled);
        return this.#abort.signal;
    }

    cancel(why, left) {
        this.cancelled ??= { why, left };
        this.#abort?.abort(this.cancelled);
    }

    /**
     * Asks the next provider of the chain for any function of the same interface. Throws Err, or a
     * Fault: `unavailable` at the end of the chain. The promise has `cancel(why, left)`.
     */
    next(name, ...args) {
        return this.#sidecar.next(this, name, args);
    }

    /** An entry of loop's log, which belongs to this call. */
    log(level, message, fields) {
        this.#sidecar.log(level, message, fields, this.id);
    }
}

const UNITS = {
    size: { "": 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, kB: 1e3, MB: 1e6, GB: 1e9 },
    duration: { ms: 1, s: 1000, m: 60000, h: 3600000 },
};

/** An option's text as what its type says: a number of bytes, of milliseconds, a bool. */
export function optionOf(type, text) {
    if (type === "number") return Number(text);
    if (type === "bool") return text === "true";
    if (!UNITS[type]) return text;
    const [, n, unit] = /^(\d+)(.*)$/.exec(text) ?? [];
    return Number(n) * UNITS[type][unit];
}

/** What the author wrote, as rows. */
export class Interface {
    constructor(key, { functions, resources = {} }, place) {
        [this.name, this.version = ""] = key.split("@");
        this.place = place;
        this.rows = Object.entries(functions).map(([name, [type, run]], at) => {
            return { name, at, run, interface: this, ...parseFunction(type) };
        });
        this.byName = new Map(this.rows.map((row) => [row.name, row]));
        this.resources = Array.isArray(resources) ? resources : Object.keys(resources);
        const hooks = this.resources.map((name) => resources[name] ?? {});
        this.hooks = hooks.map((h) => (typeof h === "function" ? { drop: h } : h));
    }


    toWire() {
        const functions = this.rows.map((r) => ({ name: r.name, type: r.text, implemented: !!r.run }));
        return { name: this.name, version: this.version, functions, resources: this.resources };
    }
}
