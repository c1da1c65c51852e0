/*
 * Handles and the shared memory: what a value may refer to.
 *
 * Numbers of handles are never given twice, so one that was dropped means nothing, ever.
 */
import { readSync, writeSync } from "node:fs";
import { Malformed } from "./bytes.js";

/** An object behind the host: a handle that `call.next` answered. */
export class Remote {
    #drop;
    constructor(resource, handle, drop) {
        this.resource = resource;
        this.handle = handle;
        this.#drop = drop;
    }

    /** Gives it back. One that was passed on, or lent to a call, is not ours to drop. */
    drop() {
        const drop = this.#drop;
        this.#drop = undefined;
        drop?.(this);
    }

    /** Somebody else owns it from here on. */
    passed() {
        this.#drop = undefined;
        return this.handle;
    }

    get owned() {
        return this.#drop !== undefined;
    }
}

/** The objects of one resource that components hold. */
export class Table {
    #objects = new Map();
    #next = 1;

    add(object) {
        const n = this.#next;
        this.#next += 2;
        this.#objects.set(n, object);
        return n;
    }

    /** undefined: it is not, or no longer, held. Objects are never undefined. */
    get(n) {
        return this.#objects.get(n);
    }

    remove(n) {
        const object = this.#objects.get(n);
        this.#objects.delete(n);
        return object;
    }
}

/** The memory behind LOOP_SIDECAR_FD. The lower half is read, the upper half is given out. */
export class Shared {
    constructor(fd, size) {
        this.fd = fd;
        this.half = Math.floor(size / 2);
        this.end = size;
        this.taken = []; // {key, offset, length}, by offset
    }

    fetch(offset, length) {
        if (offset + length > this.half) throw new Malformed("a reference outside of the host's memory");
        const bytes = Buffer.allocUnsafe(length);
        for (let n = 0; n < length; ) {
            const got = readSync(this.fd, bytes, n, length - n, offset + n);
            if (!got) throw new Malformed("the shared memory is smaller than it was said to be");
            n += got;
        }
        return bytes;
    }

    /** Copies `bytes` to where there is room; undefined: there is none. */
    place(key, bytes) {
        let at = this.half, i = 0;
        for (; i < this.taken.length && this.taken[i].offset - at < bytes.length; i++)
            at = this.taken[i].offset + this.taken[i].length;
        if (this.end - at < bytes.length) return undefined;
        this.taken.splice(i, 0, { key, offset: at, length: bytes.length });
        for (let n = 0; n < bytes.length; ) n += writeSync(this.fd, bytes, n, bytes.length - n, at + n);
        return at;
    }

    free(key) {
        this.taken = this.taken.filter((t) => t.key !== key);
    }
}

/**
 * What one value is read or written with. `sidecar` has `tables` (resource -> Table) and `shared`;
 * `key` names what is placed in the shared memory; `remoteOnly`: the arguments of a NEXT.
 */
export class Peer {
    constructor(sidecar, key, remoteOnly = false) {
        this.sidecar = sidecar;
        this.key = key;
        this.remoteOnly = remoteOnly;
        this.given = []; // [Table, number] of what is handed out
        this.taken = []; // [resource, object] of what came as own
        this.passing = []; // Remotes that go with the value
        this.referred = false;
        if (!sidecar.shared) this.fetch = this.place = undefined;
    }

    fetch(offset, length) {
        this.referred = true;
        return this.sidecar.shared.fetch(offset, length);
    }

    place(bytes) {
        return this.sidecar.shared.place(this.key, bytes);
    }

    give(kind, resource, object) {
        if (object instanceof Remote) {
            if (object.resource !== resource) throw new TypeError(`a ${object.resource} is no ${resource}`);
            if (kind === "own") {
                if (!object.owned) throw new TypeError(`this ${resource} is not ours to pass on`);
                this.passing.push(object);
            }
            return object.handle;
        }
        if (this.remoteOnly)
            throw new TypeError(`a ${resource} that lives here cannot be passed to the next provider`);
        if (kind !== "own" || object === undefined || object === null)
            throw new TypeError(`${object} is no ${resource}`);
        const table = this.sidecar.tables.get(resource), n = table.add(object);
        this.given.push([table, n]);
        return n;
    }

    take(kind, resource, n) {
        if (n % 2 === 0)
            return new Remote(resource, n, kind === "own" ? this.sidecar.dropRemote : undefined);
        const table = this.sidecar.tables.get(resource), object = table.get(n);
        if (object === undefined) throw new Malformed(`the handle ${n} of ${resource} is not held`);
        if (kind === "own") {
            table.remove(n);
            this.taken.push([resource, object]);
        }
        return object;
    }

    /** The value went out. */
    sent() {
        for (const remote of this.passing) remote.passed();
    }

    /** The value did not go out after all. */
    undo() {
        for (const [table, n] of this.given) table.remove(n);
        this.sidecar.shared?.free(this.key);
    }
}
