/*
 * The state of the store, as any provider of loop:storage hands it to the next: wit/storage/state.wit.
 *
 * A save reads key by key from the log that is in use; while calls go on, the log notes what they change.
 * A restore writes a log beside it, which takes its place when all has been read and synced: by a rename,
 * so that it is there whole or not at all. What was copied waits in that log for the rest.
 */
import { Fault, Malformed, parseType } from "./loop-sidecar/sidecar.js";

const PASS = "enum{whole,copy,rest}";
const ITEM = parseType(`variant{header(record{format:u32,writer:string,pass:${PASS},home:option<string>}),\
bucket(record{identity:string,name:string}),stored(record{key:list<u8>,value:list<u8>,version:string}),\
removed(list<u8>),end(u32)}`);
const BUCKET = parseType("record{name:string}");
const MOST = { key: 1024, value: 16 << 20, identity: 8192, writer: 256, home: 4096 };
const LONGEST_ITEM = MOST.value + (64 << 10);
const AT_ONCE = 256; // keys that are asked for at a time

export const isName = (name) => /^[a-z0-9._-]{1,64}$/.test(name);
const inBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const inOrder = (a, b) => inBytes(a[0], b[0]) || inBytes(a[1], b[1]); // of [identity, bucket]
const ordered = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/* ---- save ---- */

/** [identity, bucket, keys] of all that is stored; keys that come meanwhile may be among them. */
function* all(log) {
    const buckets = [...log.index.spaces].flatMap(([identity, space]) => [...space.buckets.keys()].map((b) => [identity, b]));
    for (const [identity, bucket] of buckets.sort(inOrder))
        for (let from = "", keys; (keys = log.list(identity, bucket, from, undefined, AT_ONCE)).length; from = `${keys.at(-1)}\0`)
            yield [identity, bucket, keys];
}

/** The same of what was noted. */
function* noted(log) {
    const found = new Map(); // name of a bucket -> [identity, bucket, keys]
    for (const [identity, bucket, key] of log.noted.values()) {
        const name = `${identity}\0${bucket}`;
        if (!found.has(name)) found.set(name, [identity, bucket, []]);
        found.get(name)[2].push(key);
    }
    for (const row of [...found.values()].sort(inOrder)) yield [row[0], row[1], row[2].sort(ordered)];
}

/** A state as bytes, item by item. A store that does not know what changed says all there is. */
export function* save(log, asked) {
    const pass = asked === "rest" && !log.noted ? "whole" : asked;
    if (pass === "copy") log.note();
    yield ITEM.encode({ tag: "header", val: { format: 1, writer: "storage-node", pass, home: log.home } });
    let last, count = 0;
    for (const [identity, name, keys] of pass === "rest" ? noted(log) : all(log)) {
        if (last?.[0] !== identity || last[1] !== name) yield ITEM.encode({ tag: "bucket", val: { identity, name } });
        last = [identity, name];
        for (const text of keys) {
            const key = Buffer.from(text, "latin1"), [found] = log.read(identity, name, [text]);
            if (!found && pass !== "rest") continue; // deleted meanwhile, and noted
            count++;
            yield ITEM.encode(found ? { tag: "stored", val: { key, ...found } } : { tag: "removed", val: key });
        }
    }
    yield ITEM.encode({ tag: "end", val: count });
}

/* ---- restore ---- */

function check(holds, what) {
    if (!holds) throw new Malformed(what);
}

/** The items of a state behind its header, each checked: [identity, bucket, key, value, version], or without the last two. */
async function* changesOf(items, pass) {
    let bucket, key, count = 0;
    for await (const { tag, val } of items) {
        if (tag === "end") {
            check(val === count, `the end counts ${val} keys, and ${count} came`);
            check((await items.next()).done, "something is behind the end");
            return;
        }
        if (tag === "bucket") {
            const next = [val.identity, val.name], length = Buffer.byteLength(val.identity);
            check(length && length <= MOST.identity && !val.identity.includes("\0"), "an identity that is none");
            check(isName(val.name), `'${val.name}' is no bucket`);
            check(!bucket || inOrder(bucket, next) < 0, "buckets that are out of order");
            [bucket, key] = [next, undefined];
            continue;
        }
        check(tag === "stored" || (tag === "removed" && pass === "rest"), `${tag}, which does not belong here`);
        check(bucket, "a key without a bucket");
        const bytes = val.key ?? val, before = key;
        check(bytes.length && bytes.length <= MOST.key, `a key of ${bytes.length} bytes`);
        key = Buffer.from(bytes).latin1Slice();
        check(before === undefined || before < key, "keys that are out of order");
        count++;
        if (tag === "removed") {
            yield [...bucket, key];
            continue;
        }
        check(val.value.length <= MOST.value, `a value of ${val.value.length} bytes`);
        check(/^[!-~]{1,64}$/.test(val.version), "a version that is none");
        yield [...bucket, key, val.value, val.version];
    }
    throw new Malformed("the state has no end");
}

function checkHeader(header, pass) {
    check(header?.tag === "header", "the state has no header");
    const { format, writer, pass: said, home } = header.val;
    check(format === 1, `the state is of the format ${format}, and only 1 is known here`);
    check(Buffer.byteLength(writer) <= MOST.writer, "the writer's name is too long");
    check(Buffer.byteLength(home ?? "") <= MOST.home, "the writer's home is too long");
    check(said === pass || (pass === "rest" && said === "whole"), `a state of the pass '${said}', and it is '${pass}'`);
    return header.val;
}

/** Takes over states into a log that is empty. */
export class Restorer {
    copied = undefined; // a log that has what COPY brought

    constructor(log) {
        this.log = log;
    }

    async restore(asked, pieces) {
        const items = ITEM.each(pieces, LONGEST_ITEM), first = await items.next();
        if (first.done && asked === "rest") return this.#take("rest", []); // nothing has changed
        const { pass, home } = checkHeader(first.value, asked), changes = changesOf(items, pass);
        if (home !== undefined && home === this.log.home) {
            for await (const _ of changes); // it is all here
            return pass === "copy" ? undefined : this.log.take();
        }
        await this.log.take();
        return this.#take(pass, changes);
    }

    async #take(pass, changes) {
        if (!this.log.empty)
            throw new Fault("denied", "this store holds keys already", "swap with `carry: none`, or give it a `file` that is new");
        check(pass !== "rest" || this.copied, "a rest without a copy before");
        if (pass !== "rest") this.close();
        const next = this.copied ?? this.log.successor();
        this.copied = undefined;
        try {
            for await (const [identity, bucket, key, value, version] of changes)
                if (value) await next.put(identity, bucket, key, value, version);
                else await next.delete(identity, bucket, key);
            if (pass === "copy") return (this.copied = next);
            await next.finish(this.log.count, this.log.draw);
            if (!this.log.empty) throw new Fault("denied", "somebody has written meanwhile");
            this.log.become(next);
        } catch (why) {
            next.discard();
            throw why;
        }
    }

    /** What was copied is thrown away. */
    close() {
        this.copied?.discard();
        this.copied = undefined;
    }
}

/* ---- buckets: whose it is comes with each call ---- */

export const saveBucket = ({ name }) => BUCKET.encode({ name });

export function restoreBucket(bytes) {
    const { name } = BUCKET.decode(bytes);
    check(isName(name), `'${name}' is no bucket`);
    return { name };
}
