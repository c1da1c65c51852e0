/*
 * A provider for loop as a Node program: `serve` speaks sidecar/PROTOCOL.md over stdin and stdout.
 *
 *     import { serve, Err } from "loop-sidecar";
 *
 *     await serve({
 *         name: "dice", version: "0.1.0",
 *         options: { sides: { type: "number", fallback: "6", help: "of a die" } },
 *         open(host) { sides = host.options.sides },
 *         interfaces: {
 *             "acme:dice/roller@0.1.0": {
 *                 functions: {
 *                     roll: ["(u32)->list<u32>", (n) => Array.from({ length: n }, one)],
 *                     "[method]cup.roll": ["(borrow<acme:dice/roller.cup>)->u32", (cup) => cup.roll()],
 *                     shake: ["()"], // listed, not implemented: goes to the next of the chain
 *                 },
 *                 resources: { cup: (cup) => cup.close() }, // what to do when one is dropped; see below
 *             },
 *         },
 *     });
 *
 * A function may be async; many run at once, unless `calls` says how many. It gets its arguments and
 * a Call. Of a function whose type is result<T,E> it returns the T or throws `new Err(e)`. Anything
 * else that it throws ends the component that called (FAULT). types.js has how values look. Objects of
 * resources are any objects; each time one is returned as `own` it is one handle more. One that another
 * provider can go on with says how: `cup: { drop, save: (cup) => bytes, restore: (bytes) => cup }`.
 *
 * What prints goes to stderr (import this module first), whence it becomes entries of loop's log.
 */
import { Connection, CREDIT, Broken, decoded, decodedHead, FRAMES, LEVELS, takeStreams } from "./frames.js";
import { Peer, Remote, Shared, Table } from "./memory.js";
import { Malformed, Writer } from "./bytes.js";
import { Call, Err, Fault, Interface, optionOf } from "./provider.js";
import { Handover } from "./state.js";
import { parseType } from "./types.js";

export { Call, Err, Fault, Malformed, parseType, Remote };

/** Taken when this module is loaded, before a module that comes after it can print. */
const STREAMS = process.env.LOOP_SIDECAR === "1" ? takeStreams() : undefined;

/* ---- the conversation ---- */

class Sidecar {
    constructor(provider) {
        this.provider = provider;
        this.interfaces = Object.entries(provider.interfaces).map(([key, i], at) => new Interface(key, i, at));
        this.tables = new Map();
        this.places = new Map(); // resource -> [interface, resource]
        for (const i of this.interfaces)
            i.resources.forEach((name, at) => {
                this.tables.set(`${i.name}.${name}`, new Table());
                this.places.set(`${i.name}.${name}`, [i.place, at]);
            });
        this.#checkResources();
        this.callers = new Map();
        this.calls = new Map();
        this.answering = 0; // calls that are no longer among them, and whose answer waits for credit
        this.asked = new Map(); // id of a NEXT -> what to do with its answer
        this.early = new Map(); // CANCELs of calls that are still coming, in pieces
        this.lastId = -1;
        this.phase = "hello";
        this.connection = new Connection(STREAMS.out, (...message) => this.#receive(...message));
        this.handover = new Handover(this);
    }

    #checkResources() {
        for (const row of this.interfaces.flatMap((i) => i.rows))
            for (const [, name] of row.text.matchAll(/(?:own|borrow)<([^>]+)>/g))
                if (!this.tables.has(name)) throw new TypeError(`'${row.name}' names ${name}, which is not served here`);
    }

    get capabilities() {
        return ["cancel", "shared-memory", ...this.handover.capabilities];
    }

    welcome() {
        const p = this.provider;
        const options = Object.entries(p.options ?? {}).map(([name, o]) => ({
            name, type: o.type, values: o.values?.join("|") ?? "", fallback: o.fallback, help: o.help ?? "",
        }));
        this.connection.send("WELCOME", 0, {
            magic: "loop-sidecar", protocols: [1], name: p.name, version: p.version ?? "",
            summary: p.summary ?? "", devOnly: !!p.devOnly, credit: CREDIT, calls: p.calls ?? 0,
            capabilities: this.capabilities, options, interfaces: this.interfaces.map((i) => i.toWire()),
        });
    }

    /* ---- what comes ---- */

    #receive(row, id, payload, more) {
        if (this.phase === "hello") {
            if (row.name !== "START") throw new Broken(`${row.name} before START`);
            return this.#start(payload);
        }
        const handler = this.#handlers[row.name];
        if (!handler) throw new Broken(`a second ${row.name}`);
        if (this.phase !== "open" && row.name !== "PING") throw new Broken(`${row.name} before READY`);
        if (row.type === undefined && row.name !== "RESULT" && row.name !== "STATE" && payload.length)
            throw new Broken(`a ${row.name} with ${payload.length} bytes`);
        return handler.call(this, id, payload, row, more);
    }

    #handlers = {
        CALLER(id, payload, row) {
            const caller = decoded(row, payload);
            // Below 2^53, says the protocol.
            this.callers.set(id, { ...caller, instance: Number(caller.instance), storage: Number(caller.storage) });
        },
        "CALLER-GONE"(id) {
            const caller = this.callers.get(id);
            this.callers.delete(id);
            if (caller) this.provider.callerGone?.(caller);
        },
        CALL: this.#call,
        CANCEL(id, payload, row) {
            const [why, left] = decoded(row, payload);
            if (this.connection.pieces.has(id)) this.early.set(id, [why, left]);
            else if (!this.handover.cancel(id)) this.calls.get(id)?.cancel(why, left);
        },
        RESULT(id, payload) {
            this.#answerOf(id)(undefined, payload);
        },
        FAULT(id, payload, row) {
            const e = decoded(row, payload);
            this.#answerOf(id)(new Fault(e.code, e.messages, e.hint));
        },
        DROP: this.#drop,
        RELEASE(id) {
            this.shared?.free(id);
        },
        PING(id) {
            this.connection.send("PONG", id);
        },
        PONG() {},
        QUIESCE: (...frame) => this.handover.quiesce(...frame),
        RESUME() {
            const resumed = this.handover.resume();
            if (typeof resumed?.then !== "function") return;
            const gone = () => (this.resuming = undefined);
            this.resuming = resumed.then(gone, (why) => (console.error(why), gone()));
        },
        SAVE: (...frame) => this.handover.save(...frame),
        RESTORE: (...frame) => this.handover.restore(...frame),
        "SAVE-OBJECT": (...frame) => this.handover.saveObject(...frame),
        "RESTORE-OBJECT": (...frame) => this.handover.restoreObject(...frame),
        STATE: (...frame) => this.handover.stateCame(...frame),
    };

    async #start(payload) {
        const [start] = decodedHead(FRAMES.START, payload); // later versions append fields
        if (start.protocol !== 1) throw new Broken(`the host wants version ${start.protocol}`);
        this.phase = "opening";
        this.connection.start(start.credit);
        this.handover.agreed = start.capabilities;
        this.level = LEVELS.indexOf(start.log);
        if (start.shared && start.capabilities.includes("shared-memory") && STREAMS.shared > 2)
            this.shared = new Shared(STREAMS.shared, start.shared);
        const options = {};
        for (const [name, text] of start.options)
            options[name] = optionOf(this.provider.options?.[name]?.type, text);
        const texts = Object.fromEntries(start.options);
        const host = { name: start.host, options, texts, log: (...entry) => this.log(...entry) };
        try {
            await this.provider.open?.(host);
        } catch (why) {
            const fault = why instanceof Fault ? why : new Fault("unavailable", String(why?.message ?? why));
            this.connection.send("FAIL", 0, fault.toWire());
            process.exit(1);
        }
        this.phase = "open";
        this.connection.send("READY", 0);
    }

    /* ---- calls of the host ---- */

    #call(id, payload) {
        const key = id, peer = new Peer(this, key);
        const [[callerId, place, at, deadline], args] = decodedHead(FRAMES.CALL, payload, peer);
        const row = this.interfaces[place]?.rows[at], caller = this.callers.get(callerId);
        if (!caller) throw new Broken(`a call of caller ${callerId}, which is not there`);
        if (id % 2 || !id || this.calls.has(id)) throw new Broken(`a call with the id ${id}`);
        if (this.provider.calls && this.calls.size >= this.provider.calls)
            throw new Broken(`more than ${this.provider.calls} calls at once`);
        const call = new Call(this, id, caller, row, deadline);
        this.calls.set(id, call);
        if (!row?.run) return this.#fault(call, new Fault("not-found", `there is no function ${at} of interface ${place}`));
        if (this.early.has(id)) call.cancel(...this.early.get(id));
        this.early.delete(id);
        this.#run(call, row, args, peer);
    }

    #run(call, row, args, peer) {
        if (this.resuming) return this.resuming.then(() => this.#run(call, row, args, peer));
        let values, answer;
        try {
            values = row.params.read(args);
            if (args.at !== args.data.length) throw new Malformed(`${args.data.length - args.at} bytes are behind them`);
        } catch (why) {
            this.#forget(peer);
            return this.#fault(call, new Fault("invalid", [`the arguments of '${row.name}' are none`, why.message]));
        }
        try {
            answer = row.run(...values, call);
        } catch (why) {
            return this.#threw(call, row, why);
        }
        if (typeof answer?.then !== "function") return this.#answer(call, row, { tag: "ok", val: answer });
        return answer.then(
            (val) => this.#answer(call, row, { tag: "ok", val }),
            (why) => this.#threw(call, row, why),
        );
    }

    /** Objects that came with arguments that were none. */
    #forget(peer) {
        for (const [resource, object] of peer.taken) this.#dropped(resource, object);
    }

    #threw(call, row, why) {
        if (why instanceof Err && row.result?.kind === "result")
            return this.#answer(call, row, { tag: "err", val: why.payload });
        if (!(why instanceof Fault)) console.error(why);
        return this.#fault(call, Fault.of(why, `'${row.name}' failed`));
    }

    #answer(call, row, { tag, val }) {
        const peer = new Peer(this, call.id), w = new Writer(peer);
        try {
            if (row.result?.kind === "result") row.result.write(w, { tag, val });
            else row.result?.write(w, val);
        } catch (why) {
            peer.undo();
            console.error(why);
            return this.#fault(call, Fault.of(why, `the answer of '${row.name}' is no ${row.result.text}`));
        }
        this.#settle(call, "RESULT", undefined, w.done());
        peer.sent();
    }

    #fault(call, fault) {
        this.#settle(call, "FAULT", fault.toWire());
    }

    /** Its id is free once the answer is out, and so free before; the call is over after. */
    #settle(call, name, value, tail) {
        this.calls.delete(call.id);
        const waits = this.connection.send(name, call.id, value, tail);
        if (!waits) return this.#settled();
        this.answering++;
        waits.then(() => {
            this.answering--;
            this.#settled();
        });
    }

    /* ---- calls of ours ---- */

    #oddId() {
        do this.lastId = (this.lastId + 2) % 2 ** 32;
        while (this.asked.has(this.lastId));
        return this.lastId;
    }

    next(call, name, args) {
        const row = call.interface.byName.get(name), id = this.#oddId();
        const peer = new Peer(this, id, true), w = new Writer(peer);
        if (!row) throw new TypeError(`${call.interface.name} has no function '${name}'`);
        if (!this.calls.has(call.id)) throw new TypeError("the call has been answered");
        try {
            row.params.write(w, args);
        } catch (why) {
            peer.undo();
            throw why;
        }
        const answer = new Promise((resolve, reject) => {
            this.asked.set(id, (fault, payload) => {
                this.shared?.free(id);
                if (fault) return reject(fault);
                const came = new Peer(this, id);
                let found;
                try {
                    if (!row.result && payload.length) throw new Malformed(`${payload.length} bytes for nothing`);
                    found = row.result?.decode(payload, came);
                } catch (why) {
                    throw why instanceof Malformed ? new Broken(`the answer of '${name}' is none: ${why.message}`) : why;
                }
                if (came.referred) this.connection.send("RELEASE", id);
                if (row.result?.kind !== "result") return resolve(row.result && found);
                return found.tag === "ok" ? resolve(found.val) : reject(new Err(found.val));
            });
        });
        this.connection.send("NEXT", id, [call.id, call.interface.place, row.at], w.done());
        peer.sent();
        answer.cancel = (why = "interrupted", left = 0) => {
            if (this.asked.has(id)) this.connection.send("CANCEL", id, [why, left]);
        };
        return answer;
    }

    #answerOf(id) {
        const answer = this.asked.get(id);
        if (!answer) throw new Broken(`the answer of a call that nobody made, ${id}`);
        this.asked.delete(id);
        return answer;
    }

    dropRemote = (remote) => {
        const [place, at] = this.places.get(remote.resource);
        this.connection.send("DROP", 0, [place, at, BigInt(remote.handle)]);
    };

    /* ---- handles ---- */

    #drop(_, payload, row) {
        const [place, at, handle] = decoded(row, payload), i = this.interfaces[place];
        const name = i?.resources[at] && `${i.name}.${i.resources[at]}`;
        const object = name && this.tables.get(name).remove(Number(handle));
        if (object === undefined) throw new Broken(`a DROP of the handle ${handle}, which is not held`);
        this.#dropped(name, object);
    }

    #dropped(resource, object) {
        if (object instanceof Remote) return object.drop();
        const [place, at] = this.places.get(resource);
        try {
            const drop = this.interfaces[place].hooks[at].drop?.(object);
            return typeof drop?.then === "function" ? drop.catch(console.error) : undefined;
        } catch (why) {
            return console.error(why); // nobody is there to be told
        }
    }

    #settled() {
        if (this.calls.size + this.answering === 0) this.becameQuiet?.();
    }

    /** No call is under way. */
    async quiet() {
        while (this.calls.size + this.answering) await new Promise((resolve) => (this.becameQuiet = resolve));
    }

    /* ---- the log, and the end ---- */

    log(level, message, fields = {}, id = 0) {
        if (LEVELS.indexOf(level) < this.level) return;
        const value = (v) =>
            typeof v === "bigint" || Number.isSafeInteger(v) ? { tag: "integer", val: v }
            : typeof v === "number" ? { tag: "number", val: v }
            : typeof v === "boolean" ? { tag: "boolean", val: v } : { tag: "text", val: String(v) };
        this.connection.send("LOG", id, {
            level, wallMs: Date.now(), target: this.provider.name, message: String(message).toWellFormed().slice(0, 65536),
            fields: Object.entries(fields).map(([name, v]) => ({ name, value: value(v) })),
        });
    }

    async end() {
        for (const call of this.calls.values()) call.cancel("stopped", 0);
        await this.provider.close?.();
        process.exit(0);
    }
}

/**
 * Serves until the host closes the connection; then `provider.close` and the end of the process.
 * Against the protocol: what was seen goes to stderr, and the status is 1.
 *
 * provider: name, version, summary, devOnly; interfaces and options as above; calls: how many it bears
 * at once, 0 for any; open(host): { name, options, texts, log(level, message, fields) }, before the
 * first call, and to throw means that it cannot work here; close(); callerGone(caller); state, below.
 * `options` have the type of their row: a size is a number of bytes, a duration one of milliseconds;
 * `texts` as they were given.
 *
 * state: what is handed over when another provider takes the place of this one, while components use it
 * (knowledge/sidecars.md), each part only where there is something for it:
 *
 *     save(interface, pass)              an iterable, async or not, of Uint8Arrays of any length
 *     restore(interface, pass, pieces)   takes an async iterable of them, all or nothing
 *     copies: true                       both bear the passes "copy" and "rest" beside "whole"
 *     quiesce()                          no call is under way: make durable what is held
 *     resume()                           calls come after all; what was noted for "rest" is not needed
 *
 * `parseType(text).each(pieces)` has the values that stand in pieces. Malformed means: no state.
 */
export function serve(provider) {
    if (!STREAMS) {
        console.error(`error: '${provider.name}' is a sidecar, which loop starts
hint: name this program in loop.yaml: \`bind: { INTERFACE: { sidecar: [...] } }\``);
        process.exit(64);
    }
    const fail = (why) => {
        console.error(why instanceof Broken ? `against the protocol: ${why.message}` : why);
        process.exit(1);
    };
    process.on("unhandledRejection", fail);
    process.on("uncaughtException", fail);
    const sidecar = new Sidecar(provider);
    sidecar.welcome();
    STREAMS.source.on("data", (chunk) => sidecar.connection.feed(chunk));
    STREAMS.source.on("error", fail);
    return new Promise(() => {
        STREAMS.source.on("end", () => {
            sidecar.connection.finish();
            sidecar.end().catch(fail);
        });
    });
}
