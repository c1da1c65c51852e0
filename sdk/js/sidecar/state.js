/*
 * What is handed over when another provider takes the place of this one, or this one that of another:
 * QUIESCE, SAVE, RESTORE and their like of sidecar/PROTOCOL.md, one at a time.
 *
 * A state is never in memory as a whole. What goes out is gathered to pieces of 64 KiB, and the author's
 * generator is asked for more when one has been sent. What comes in is given back to the host's credit as
 * the author's loop takes it, so that the host waits for the loop.
 */
import { Malformed } from "./bytes.js";
import { Broken, decoded } from "./frames.js";
import { Fault } from "./provider.js";
import { parseType } from "./types.js";

const GATHERED = 64 << 10, LARGEST_OBJECT = 64 << 10;
const HANDLE = parseType("u64");
const turn = () => new Promise(setImmediate);

function bytesOf(piece) {
    if (!(piece instanceof Uint8Array)) throw new TypeError(`${typeof piece} is no Uint8Array, which a state is made of`);
    return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** The pieces of a state that comes, as an async iterable. */
class Incoming {
    pieces = [];
    ended = false;
    unwanted = false;

    constructor(id, connection, ofObject) {
        Object.assign(this, { id, connection, ofObject });
    }

    add(piece, more) {
        if (this.ended) throw new Broken("STATE behind its last frame");
        this.ended = !more;
        if (this.unwanted) this.connection.giveBack(piece.length);
        else this.pieces.push(piece);
        this.wake?.();
    }

    async *[Symbol.asyncIterator]() {
        for (;;) {
            while (this.pieces.length) {
                const piece = this.pieces.shift();
                this.connection.giveBack(piece.length);
                if (piece.length) yield piece;
            }
            if (this.ended) return;
            await new Promise((resolve) => (this.wake = resolve));
        }
    }

    /** What is left is thrown away as it comes. */
    leave() {
        this.unwanted = true;
        for (const piece of this.pieces.splice(0)) this.connection.giveBack(piece.length);
    }

    /** When the last frame has come, unread or not. */
    async end() {
        this.leave();
        while (!this.ended) await new Promise((resolve) => (this.wake = resolve));
    }
}

export class Handover {
    constructor(sidecar) {
        this.sidecar = sidecar;
        this.state = sidecar.provider.state ?? {};
        const moves = sidecar.interfaces.flatMap((i) => i.hooks).some((h) => h.save || h.restore);
        const offers = sidecar.provider.state || moves;
        this.capabilities = offers ? ["state", ...(this.state.copies ? ["state-copy"] : [])] : [];
        this.agreed = []; // capabilities
        this.step = undefined; // the id of the one that is under way
        this.incoming = undefined; // of the last RESTORE
    }

    /* ---- frames of the host ---- */

    quiesce(id) {
        this.#answer(id, "come to rest", async () => {
            await this.sidecar.quiet();
            await this.state.quiesce?.();
        });
    }

    /** Calls that come behind it wait for the promise, if there is one. */
    resume() {
        this.#check("RESUME");
        return this.state.resume?.();
    }

    save(id, payload, row) {
        const [place, pass] = decoded(row, payload);
        this.#answer(id, `save ${this.#name(place)}`, async () => {
            await this.#send(id, this.state.save?.(this.#interface(place, pass).name, pass) ?? []);
        });
    }

    restore(id, payload, row) {
        const [place, pass] = decoded(row, payload);
        this.#receive(id, `restore ${this.#name(place)}`, async (incoming) => {
            const { name } = this.#interface(place, pass);
            if (!this.state.restore) throw new Fault("invalid", `nothing of ${name} is kept here`);
            await this.state.restore(name, pass, incoming);
            await incoming.end(); // the answer is behind it
        });
    }

    saveObject(id, payload, row) {
        const [place, at, handle] = decoded(row, payload);
        this.#answer(id, "save an object", async () => {
            const { table, hooks, name } = this.#resource(place, at), object = table.get(Number(handle));
            if (object === undefined) throw new Fault("invalid", `the handle ${handle} of ${name} is not held`);
            if (!hooks.save) throw new Fault("unavailable", `a ${name} cannot be moved`);
            const bytes = bytesOf(await hooks.save(object));
            if (bytes.length > LARGEST_OBJECT) throw new Fault("limit", `this ${name} is ${bytes.length} bytes, of ${LARGEST_OBJECT}`);
            await this.sidecar.connection.send("STATE", id, undefined, bytes);
        });
    }

    restoreObject(id, payload, row) {
        const [place, at] = decoded(row, payload);
        this.#receive(id, "restore an object", async (incoming) => {
            const { table, hooks, name } = this.#resource(place, at);
            if (!hooks.restore) throw new Fault("unavailable", `a ${name} cannot be moved here`);
            let bytes = Buffer.alloc(0);
            for await (const piece of incoming) bytes = piece;
            const object = await hooks.restore(bytes);
            if (object === undefined || object === null) throw new TypeError(`${object} is no ${name}`);
            return HANDLE.encode(table.add(object));
        }, true);
    }

    stateCame(id, payload, _, more) {
        const to = this.incoming;
        if (to?.id !== id) throw new Broken(`a STATE that nobody waits for, ${id}`);
        if (to.ofObject && (more || payload.length > LARGEST_OBJECT))
            throw new Broken(`the state of an object in pieces, or of ${payload.length} bytes`);
        to.add(payload, more);
    }

    /** CANCEL of a SAVE: true where it is one that is under way. */
    cancel(id) {
        if (id === this.step) this.cancelled = true;
        return id === this.step;
    }

    /* ---- steps ---- */

    #check(what) {
        if (!this.agreed.includes("state")) throw new Broken(`${what} without the capability`);
    }

    #name(place) {
        return this.sidecar.interfaces[place]?.name ?? `interface ${place}`;
    }

    #interface(place, pass) {
        const found = this.sidecar.interfaces[place];
        if (!found) throw new Fault("invalid", `there is no interface ${place}`);
        if (pass !== "whole" && !this.agreed.includes("state-copy"))
            throw new Fault("invalid", `the pass is ${pass}, and 'state-copy' was not agreed`);
        return found;
    }

    #resource(place, at) {
        const i = this.sidecar.interfaces[place];
        if (!i?.resources[at]) throw new Fault("invalid", `there is no resource ${at} of interface ${place}`);
        const name = `${i.name}.${i.resources[at]}`;
        return { name, table: this.sidecar.tables.get(name), hooks: i.hooks[at] };
    }

    #begin(id, what) {
        this.#check(`to ${what}`);
        if (id % 2 || !id) throw new Broken(`a step with the id ${id}`);
        if (this.step !== undefined) throw new Broken(`to ${what}, while another step is under way`);
        this.step = id;
        this.cancelled = false;
    }

    #receive(id, what, work, ofObject = false) {
        this.#begin(id, what);
        const incoming = (this.incoming = new Incoming(id, this.sidecar.connection, ofObject));
        this.#run(id, what, () => work(incoming)).then(() => incoming.leave());
    }

    #answer(id, what, work) {
        this.#begin(id, what);
        this.#run(id, what, work);
    }

    async #run(id, what, work) {
        let answer, fault;
        try {
            answer = await work();
        } catch (why) {
            if (!(why instanceof Fault)) console.error(why);
            const unread = why instanceof Malformed || why instanceof SyntaxError; // of JSON.parse
            fault = unread ? new Fault("invalid", [`cannot ${what}`, why.message]) : Fault.of(why, `cannot ${what}`);
        }
        this.step = undefined; // the next one may come as soon as the answer is out
        if (fault) this.sidecar.connection.send("FAULT", id, fault.toWire());
        else this.sidecar.connection.send("RESULT", id, undefined, answer);
    }

    /** Pieces as STATE, gathered; calls go on meanwhile. */
    async #send(id, pieces) {
        let parts = [], n = 0;
        const flush = async () => {
            const bytes = Buffer.concat(parts, n);
            [parts, n] = [[], 0];
            await this.sidecar.connection.send("STATE", id, undefined, bytes, true);
            await turn();
            if (this.cancelled) throw new Fault("cancelled", "the host has given it up");
        };
        for await (const piece of pieces) {
            for (let bytes = bytesOf(piece); bytes.length; bytes = bytes.subarray(GATHERED)) {
                parts.push(bytes.subarray(0, GATHERED));
                if ((n += parts.at(-1).length) >= GATHERED) await flush();
            }
        }
        if (n) await flush();
        await this.sidecar.connection.send("STATE", id); // the end
    }
}
