/*
 * Keys and values in a file that only grows: each write is appended, synced and then acknowledged.
 *
 *     LOG     the 8 bytes "loopkv 2", then RECORDs
 *     RECORD  magic u32, body length u32, CRC-32 of what follows u32, number u64, body
 *     body    OPs: kind u8 (1 set, 2 delete, 3 count, 4 kept), lengths of identity, bucket and key
 *             u16, of value u32, version u64 and u64, then the four
 *
 * A record is what was synced in one step: the writes that came while the one before was synced. So
 * only the last record can be torn; it was not acknowledged, and is cut off when the file is opened.
 * Anything else that is no record is damage, and the file is left as it is. Numbers go up by one.
 *
 * Keys and where their values lie are in memory; values are read from the file. When more than half
 * of it is of no use any more, what lives is copied to a new file, which takes the old one's place by a
 * rename, synced with its folder before the next write is acknowledged.
 *
 * A version is a count, which is kept, and a number that is drawn when the file is opened: so none comes
 * twice, also where the file was put back from a copy. One that another store gave is kept as it is
 * (kind 4): its text stands before the value, its length in place of the count; state.js has how such
 * keys come here. Logs of "loopkv 1", which has none of these, are read too.
 *
 * One process has the file at a time: it holds an abstract socket of the file's name (Linux), which ends
 * with it, or with `release`, so that a new process of this program can go on with the file.
 *
 * Not there: more than one process; compaction while writes go on (they wait, reads do not).
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { crc32 } from "node:zlib";
import {
    COUNT, DELETE, File, HEAD, KEPT, MAGIC, OLDER, operation, RECORD, record, SET, StoreError, Successor, sync, versionText,
} from "./file.js";
import { Index, OP } from "./index.js";

export { StoreError };

const MOST_BODY = 256 << 20;
const ENOUGH = 32 << 20; // bytes that one record takes in, at least one write
const COMPACT_FROM = 4 << 20; // a smaller file is left as it is
const FREE_KEYS = 1024, KEY_ROOM = 64; // keys that any quota allows, and one more for so many bytes

const MORE = "grant more: --storage SIZE, or grants: { storage: { quota: SIZE } } in loop.yaml";

function checkQuota(granted, before, after) {
    if (after.bytes > granted && after.bytes > before.bytes)
        throw new StoreError("limit", `keys and values would take ${after.bytes} bytes, and the quota is ${granted}`, MORE);
    const keys = FREE_KEYS + Math.floor(granted / KEY_ROOM);
    if (after.keys > keys && after.keys > before.keys)
        throw new StoreError("limit", `a quota of ${granted} bytes allows ${keys} keys`, MORE);
}

class InUse extends StoreError {
    constructor(file) {
        super("failed", `'${file}' is in use by another process`, "bind both components in one host, or use sqlite");
    }
}

const LONG = { bigint: true };
const homeOf = ({ dev, ino }) => `storage-node ${dev}:${ino}`;

export class Log {
    index = new Index();
    queue = []; // writes that wait for their record
    running = undefined;
    count = 0n; // of versions
    draw = randomBytes(8).readBigUInt64LE();
    number = 0n; // of records
    compactFrom = COMPACT_FROM;
    noted = undefined; // name of a key -> [identity, bucket, key] of what changed since `note`

    /** A file that another process has is waited for when it is used. */
    static async open(file) {
        const log = new Log();
        log.path = file;
        try {
            fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
            await log.take(0);
        } catch (why) {
            if (!(why instanceof InUse)) throw why;
            console.error(`'${file}' is in use by another process: who calls waits for it`);
        }
        return log;
    }

    /**
     * Has the file for itself, from here on or already. `patience`: how often to look again, every 50 ms;
     * a process whose host was killed ends in a moment.
     */
    async take(patience = 40) {
        if (this.lock) return;
        this.taking ??= this.#take(patience).finally(() => (this.taking = undefined));
        await this.taking;
    }

    async #take(patience) {
        const lock = await this.#lock(patience);
        try {
            this.#load();
        } catch (why) {
            lock.close();
            throw why instanceof StoreError ? why : new StoreError("failed", `cannot open '${this.path}': ${why.message}`);
        }
        this.lock = lock;
    }

    /** Lets another process have the file. It can still be read from, and taken back. */
    async release() {
        await this.running;
        const lock = this.lock;
        this.lock = undefined;
        if (lock) await new Promise((resolve) => lock.close(resolve));
    }

    /** Nobody else has the file until this is closed, or the process ends. */
    async #lock(patience) {
        const name = path.join(fs.realpathSync(path.dirname(this.path)), path.basename(this.path));
        const hash = crc32(name).toString(16) + crc32(`.${name}`).toString(16);
        const socket = `\0loop-storage-${hash}-${path.basename(name)}`.slice(0, 90);
        for (; ; patience--) {
            const lock = net.createServer();
            lock.unref();
            const why = await new Promise((resolve) => {
                lock.once("error", resolve);
                lock.listen(socket, resolve);
            });
            if (!why) return lock;
            if (!patience) throw new InUse(this.path);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }

    /** The file as it is; where it is as this process has left it, there is nothing to do. */
    #load() {
        if (this.file && this.#unchanged()) return;
        for (const begun of ["new", "restored"]) fs.rmSync(`${this.path}.${begun}`, { force: true });
        const old = this.file, file = new File(fs.openSync(this.path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600), 0);
        Object.assign(this, { file, index: new Index(), number: 0n, noted: undefined });
        try {
            this.#read(fs.fstatSync(file.fd).size);
            fs.fsyncSync(file.fd);
            this.#syncFolder();
        } catch (why) {
            this.file = old; // to be looked at again
            fs.closeSync(file.fd);
            throw why;
        }
        if (old) fs.closeSync(old.fd);
    }

    #unchanged() {
        const found = fs.statSync(this.path, LONG);
        return homeOf(found) === this.home && Number(found.size) === this.file.size;
    }

    #syncFolder() {
        const fd = fs.openSync(path.dirname(this.path), "r");
        fs.fsyncSync(fd);
        fs.closeSync(fd);
    }

    /* ---- opening ---- */

    #read(size) {
        if (size < HEAD.length) {
            if (!HEAD.subarray(0, size).equals(this.file.read(0, size))) throw this.#damaged(0, "it is not a store's log");
            fs.ftruncateSync(this.file.fd, 0);
            this.file.size = this.file.append([HEAD]);
            return;
        }
        const head = this.file.read(0, HEAD.length);
        if (!head.subarray(0, 7).equals(HEAD.subarray(0, 7))) throw this.#damaged(0, "it is not a store's log");
        if (!head.equals(HEAD) && !head.equals(OLDER))
            throw new StoreError("failed", `'${this.path}' was written by a newer version`, "use that version");
        let at = HEAD.length;
        for (let next; at < size; at = next) {
            next = this.#record(at, size);
            if (next === undefined) {
                this.#checkTorn(at, size);
                fs.ftruncateSync(this.file.fd, at);
                break;
            }
        }
        this.file.size = at; // versions in what was cut do not come again: `draw` is another
    }

    /** Takes the record there into the index. Where the next one begins; undefined: it is none. */
    #record(at, size, apply = true) {
        if (size - at < RECORD) return undefined;
        const head = this.file.read(at, RECORD), length = head.readUInt32LE(4), number = head.readBigUInt64LE(12);
        if (head.readUInt32LE(0) !== MAGIC || length > Math.min(MOST_BODY, size - at - RECORD)) return undefined;
        const body = this.file.read(at + RECORD, length);
        if (crc32(body, crc32(head.subarray(12))) !== head.readUInt32LE(8)) return undefined;
        if (!apply) return at + RECORD + length;
        if (this.number && number !== this.number + 1n) throw this.#damaged(at, "a record is missing");
        this.number = number;
        for (let n = 0; n < length; ) n += this.#operation(body, n, at + RECORD + n);
        return at + RECORD + length;
    }

    #operation(body, n, place) {
        const kind = body[n], lengths = [1, 3, 5].map((i) => body.readUInt16LE(n + i)), length = body.readUInt32LE(n + 7);
        let version = [body.readBigUInt64LE(n + 11), body.readBigUInt64LE(n + 19)];
        const texts = [];
        let at = n + OP;
        for (const l of lengths) texts.push(body.subarray(at, (at += l)));
        const end = at + length;
        if (kind === KEPT) version = body.toString("latin1", at, (at += Number(version[0])));
        else if (version[0] > this.count) this.count = version[0];
        const entry = { offset: place + at - n, length: end - at, version, text: versionText(version) };
        if (kind !== COUNT)
            this.index.put(texts[0].toString(), texts[1].toString(), texts[2].toString("latin1"),
                kind === DELETE ? undefined : entry);
        return end - n;
    }

    /** What is no record has to be the end: a record behind it was acknowledged. */
    #checkTorn(from, size) {
        const magic = Buffer.alloc(4), step = 1 << 20;
        magic.writeUInt32LE(MAGIC);
        for (let at = from + 1; at < size; at += step) {
            const piece = this.file.read(at, Math.min(step + 3, size - at));
            for (let i = piece.indexOf(magic); i >= 0; i = piece.indexOf(magic, i + 1))
                if (this.#record(at + i, size, false) !== undefined) throw this.#damaged(from, "a record is none");
        }
    }

    #damaged(at, what) {
        return new StoreError("failed", `'${this.path}' is damaged: ${what}, at ${at}`, "put it back from a copy");
    }

    /* ---- reading: what was acknowledged ---- */

    /** Entries { value, version } of the keys, undefined where there is none; all of one moment. */
    read(identity, bucket, keys, most = Infinity) {
        const found = keys.map((key) => this.index.get(identity, bucket, key));
        if (found.reduce((n, e) => n + (e?.length ?? 0), 0) > most)
            throw new StoreError("limit", "the values hold more than 32 MiB together");
        return found.map((e) => e && { value: this.file.read(e.offset, e.length), version: e.text });
    }

    /** At most `most` keys from `from` on that are before `end`, if there is one. */
    list(identity, bucket, from, end, most) {
        const found = this.index.spaces.get(identity)?.buckets.get(bucket);
        if (!found) return [];
        const first = found.rank(from), last = end === undefined ? Infinity : found.rank(end);
        return found.sorted.slice(first, Math.min(last, first + most));
    }

    buckets(identity) {
        return [...(this.index.spaces.get(identity)?.buckets.keys() ?? [])].sort();
    }

    usage(identity) {
        return this.index.size(identity).bytes;
    }

    /* ---- writing ---- */

    /**
     * All operations { key, condition, change } or none. Resolves, once it lasts, to { applied, results }
     * with a result { held, was, now } for each. `cancelled()`: no longer wanted, asked before it is written.
     */
    write(identity, granted, bucket, operations, cancelled = () => false) {
        return new Promise((resolve, reject) => {
            this.queue.push({ identity, granted, bucket, operations, cancelled, resolve, reject });
            this.running ??= this.#run().finally(() => (this.running = undefined));
        });
    }

    async #run() {
        await undefined; // what comes in this moment goes together
        while (this.queue.length) {
            const round = new Round(this);
            while (this.queue.length && round.bytes < ENOUGH) round.take(this.queue.shift());
            await round.finish();
            if (this.file.size > this.compactFrom && this.file.size > 2 * this.index.live) await this.#compact();
        }
    }

    /** Appends a record and syncs it; answers where its body begins. Throws, and then nothing was written. */
    async append(parts) {
        const { file } = this;
        try {
            const end = file.append(record(this.number + 1n, parts));
            await sync(file.fd);
            const body = file.size + RECORD;
            file.size = end;
            this.number += 1n;
            return body;
        } catch (why) {
            await this.#takeBack(why);
            throw new StoreError("failed", `cannot write '${this.path}': ${why.message}`,
                why.code === "ENOSPC" ? "make room on the disk" : undefined);
        }
    }

    /** A record that was not written by half, nor kept by a disk that said that it failed. */
    async #takeBack(why) {
        try {
            fs.ftruncateSync(this.file.fd, this.file.size);
            await sync(this.file.fd);
        } catch (again) {
            console.error(`'${this.path}' cannot be repaired after '${why.message}': ${again.message}`);
            process.exit(1); // who starts anew sees what is there
        }
    }

    /** What lives, in a new file. */
    async #compact() {
        let next;
        try {
            next = new Successor(`${this.path}.new`, this.number);
            for (const [identity, space] of this.index.spaces)
                for (const [bucket, { sorted, entries }] of space.buckets)
                    for (const key of sorted) {
                        const e = entries.get(key);
                        await next.put(identity, bucket, key, this.file.read(e.offset, e.length), e.version);
                    }
            await next.finish(this.count, this.draw);
            this.become(next);
        } catch (why) {
            console.error(`cannot make '${this.path}' smaller: ${why.message}`);
            this.compactFrom = 2 * this.file.size; // not again for every write
            next?.discard();
        }
    }

    /** A log that is finished takes the place of this one. Throws, and then it has not. */
    become(next) {
        fs.renameSync(next.path, this.path);
        fs.closeSync(this.file.fd);
        Object.assign(this, { file: next.file, index: next.index, number: next.number, compactFrom: COMPACT_FROM });
        try {
            this.#syncFolder();
        } catch (why) {
            console.error(`cannot sync the folder of '${this.path}': ${why.message}`);
            process.exit(1); // what is acknowledged from here on might be in a file without a name
        }
    }

    /* ---- handing over ---- */

    /** Where it is kept: stores that have the same bytes under them say the same. */
    get home() {
        return homeOf(this.file ? fs.fstatSync(this.file.fd, LONG) : fs.statSync(this.path, LONG));
    }

    get empty() {
        return !this.index.spaces.size && !this.running;
    }

    /** From here on it is noted which keys change. */
    note() {
        this.noted = new Map();
    }

    /** A log to take this one's place: `finish`, then `become`. */
    successor() {
        return new Successor(`${this.path}.restored`);
    }

    /** When what is under way has been written. */
    async close() {
        await this.release();
        if (this.file) fs.closeSync(this.file.fd);
    }
}

/** The writes of one record: looked at one after the other, written together. */
class Round {
    parts = [];
    changes = []; // { identity, bucket, key, entry, part }
    pending = new Map(); // what earlier ones have changed: name of a key -> entry or undefined
    sizes = new Map();
    waiting = []; // [write, answer]
    bytes = 0;

    constructor(log) {
        this.log = log;
    }

    #entry(identity, bucket, key) {
        const name = `${identity}\0${bucket}\0${key}`;
        return this.pending.has(name) ? this.pending.get(name) : this.log.index.get(identity, bucket, key);
    }

    take(write) {
        try {
            if (write.cancelled()) throw new StoreError("cancelled", "nobody waits for it");
            const results = this.#look(write), applied = results.every((r) => r.held);
            if (applied) this.#change(write, results);
            this.waiting.push([write, { applied, results: results.map(({ held, was, now }) => ({ held, was, now })) }]);
        } catch (why) {
            write.reject(why);
        }
    }

    /** Whether the conditions hold, and what is there. */
    #look({ identity, bucket, operations }) {
        return operations.map(({ key, condition }) => {
            const entry = this.#entry(identity, bucket, key);
            const held = condition.tag === "always" || (condition.tag === "absent" && !entry)
                || (condition.tag === "unchanged" && entry?.text === condition.val);
            return { held, was: !!entry, now: entry?.text, entry };
        });
    }

    #change({ identity, granted, bucket, operations }, results) {
        const before = this.sizes.get(identity) ?? this.log.index.size(identity), after = { ...before };
        operations.forEach(({ key, change }, i) => {
            const old = results[i].entry;
            if (change.tag === "keep") return;
            if (old) (after.bytes -= key.length + old.length), after.keys--;
            if (change.tag === "set") (after.bytes += key.length + change.val.length), after.keys++;
        });
        checkQuota(granted, before, after);
        this.sizes.set(identity, after);
        operations.forEach(({ key, change }, i) => {
            if (change.tag === "keep" || (change.tag === "delete" && !results[i].entry)) return;
            const version = [(this.log.count += 1n), this.log.draw], set = change.tag === "set";
            const value = set ? change.val : Buffer.alloc(0);
            const entry = set ? { offset: 0, length: value.length, version, text: versionText(version) } : undefined;
            this.parts.push(operation(set ? SET : DELETE, identity, bucket, key, value, version));
            this.bytes += this.parts.at(-1).length;
            this.changes.push({ identity, bucket, key, entry, part: this.parts.length - 1 });
            this.pending.set(`${identity}\0${bucket}\0${key}`, entry);
            results[i].now = entry?.text;
        });
    }

    /** Nobody sees anything of it before it lasts. */
    async finish() {
        try {
            if (this.parts.length) this.#apply(await this.log.append(this.parts));
            for (const [write, answer] of this.waiting) write.resolve(answer);
        } catch (why) {
            for (const [write] of this.waiting) write.reject(why);
        }
    }

    #apply(body) {
        let end = body, part = 0;
        for (const { identity, bucket, key, entry, part: p } of this.changes) {
            for (; part <= p; part++) end += this.parts[part].length;
            if (entry) entry.offset = end - entry.length;
            this.log.index.put(identity, bucket, key, entry);
            this.log.noted?.set(`${identity}\0${bucket}\0${key}`, [identity, bucket, key]);
        }
    }
}
