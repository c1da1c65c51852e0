/*
 * loop:storage/store (wit/storage/store.wit) that lasts, as a sidecar in Node. In loop.yaml:
 *
 *     bind:
 *       loop:storage/store: { sidecar: [node, storage.js], file: data/store.log }
 *
 * What the page promises is checked here; how bytes are kept is in log.js, how they are handed to another
 * provider in state.js. Every call asks for the grant and for who calls: a bucket's object is its name and
 * nothing that could be mixed up.
 */
import { Err, serve } from "./loop-sidecar/sidecar.js"; // first: it takes stdout
import { Log, StoreError } from "./log.js";
import { isName, Restorer, restoreBucket, save, saveBucket } from "./state.js";

const MOST = { name: 64, key: 1024, value: 16 << 20, version: 64, keys: 1024, bytes: 32 << 20, page: 1024 };

let log, restorer;

const invalid = (why) => new StoreError("invalid", why);

/** The store's errors as those of the interface. */
function answered(run) {
    return async (...args) => {
        const call = args.at(-1);
        try {
            if (!call.caller.storage) throw new StoreError("denied", call.caller.storageWhy);
            if (!log.lock) await log.take();
            return await run(...args);
        } catch (why) {
            if (why instanceof StoreError) throw new Err({ tag: why.code, val: why.message });
            console.error(why);
            throw new Err({ tag: "failed", val: why.message });
        }
    };
}

/** A key as text whose letters are bytes: ordered as bytes are. */
function keyOf(bytes) {
    if (!bytes.length || bytes.length > MOST.key) throw invalid(`a key has 1 to ${MOST.key} bytes`);
    return Buffer.from(bytes).latin1Slice();
}

const bytesOf = (key) => Buffer.from(key, "latin1");

function operationOf({ key, condition, change }) {
    if (condition.tag === "unchanged" && Buffer.byteLength(condition.val) > MOST.version)
        throw invalid(`a version has at most ${MOST.version} bytes`);
    if (change.tag === "set" && change.val.length > MOST.value) throw invalid("a value has at most 16 MiB");
    return { key: keyOf(key), condition, change };
}

function checkCount(list) {
    if (list.length > MOST.keys) throw invalid(`at most ${MOST.keys} keys at once`);
}

function write(bucket, operations, call) {
    const { identity, storage } = call.caller;
    return log.write(identity, storage, bucket.name, operations, () => call.cancelled);
}

async function writeOne(bucket, key, condition, change, call) {
    const { applied, results } = await write(bucket, [operationOf({ key, condition, change })], call);
    return { applied, ...results[0] };
}

function read(bucket, keys, call, most) {
    return log.read(call.caller.identity, bucket.name, keys.map(keyOf), most);
}

async function apply(bucket, operations, call) {
    checkCount(operations);
    const checked = operations.map(operationOf);
    if (checked.reduce((n, { change }) => n + (change.val?.length ?? 0), 0) > MOST.bytes)
        throw invalid("the values of a batch have at most 32 MiB together");
    if (new Set(checked.map(({ key }) => key)).size !== checked.length)
        throw invalid("a key is named twice in one batch");
    const { applied, results } = checked.length ? await write(bucket, checked, call) : { applied: true, results: [] };
    if (applied) return { tag: "applied", val: results.map((r) => r.now) };
    return { tag: "conflict", val: results.flatMap((r, i) => (r.held ? [] : [i])) };
}

/** The first text behind all that begin with it; undefined where there is none. */
function endOf(prefix) {
    const stem = prefix.replace(/\xff+$/, "");
    return stem ? stem.slice(0, -1) + String.fromCharCode(stem.charCodeAt(stem.length - 1) + 1) : undefined;
}

function listKeys(bucket, prefix, cursor, limit, call) {
    const after = cursor && keyOf(cursor);
    if (prefix.length > MOST.key) return { keys: [] }; // no key is as long
    const start = Buffer.from(prefix).latin1Slice();
    const from = after !== undefined && after >= start ? `${after}\0` : start; // right behind the cursor
    const most = limit && limit < MOST.page ? limit : MOST.page;
    const found = log.list(call.caller.identity, bucket.name, from, endOf(start), most + 1);
    const keys = found.slice(0, most).map(bytesOf);
    return { keys, cursor: found.length > most ? keys.at(-1) : undefined };
}

function open(name) {
    if (!isName(name)) throw invalid("a bucket's name has 1 to 64 bytes of a-z 0-9 - _ .");
    return { name };
}

const ERROR = "variant{unavailable(string),denied(string),invalid(string),limit(string),cancelled,failed(string)}";
const ENTRY = "record{value:list<u8>,version:string}";
const CONDITION = "variant{always,absent,unchanged(string)}";
const CHANGE = "variant{set(list<u8>),delete,keep}";
const OPERATION = `record{key:list<u8>,condition:${CONDITION},change:${CHANGE}}`;
const OUTCOME = "variant{applied(option<string>),conflict(option<string>)}";
const OUTCOMES = "variant{applied(list<option<string>>),conflict(list<u32>)}";
const BUCKET = "loop:storage/store.bucket", SELF = `borrow<${BUCKET}>`;
const ALWAYS = { tag: "always" };

const methods = {
    get: [`list<u8>)->result<option<${ENTRY}>,${ERROR}>`, (b, key, call) => read(b, [key], call)[0]],
    "get-many": [`list<list<u8>>)->result<list<option<${ENTRY}>>,${ERROR}>`, (b, keys, call) => {
        checkCount(keys);
        return read(b, keys, call, MOST.bytes);
    }],
    set: [`list<u8>,list<u8>)->result<string,${ERROR}>`, async (b, key, val, call) =>
        (await writeOne(b, key, ALWAYS, { tag: "set", val }, call)).now],
    delete: [`list<u8>)->result<bool,${ERROR}>`, async (b, key, call) =>
        (await writeOne(b, key, ALWAYS, { tag: "delete" }, call)).was],
    "compare-and-swap": [`list<u8>,${CONDITION},${CHANGE})->result<${OUTCOME},${ERROR}>`, async (b, ...args) => {
        const { applied, now } = await writeOne(b, ...args);
        return { tag: applied ? "applied" : "conflict", val: now };
    }],
    apply: [`list<${OPERATION}>)->result<${OUTCOMES},${ERROR}>`, apply],
    "list-keys": [
        `list<u8>,option<list<u8>>,u32)->result<record{keys:list<list<u8>>,cursor:option<list<u8>>},${ERROR}>`, listKeys],
};

const functions = {
    open: [`(string)->result<own<${BUCKET}>,${ERROR}>`, answered(open)],
    buckets: [`()->result<list<string>,${ERROR}>`, answered((call) => log.buckets(call.caller.identity))],
    "get-usage": [`()->result<record{bytes-used:u64,bytes-granted:option<u64>},${ERROR}>`, answered((call) => ({
        bytesUsed: log.usage(call.caller.identity), bytesGranted: call.caller.storage,
    }))],
};
for (const [name, [type, run]] of Object.entries(methods))
    functions[`[method]bucket.${name}`] = [`(${SELF},${type}`, answered(run)];

await serve({
    name: "storage-node", version: "0.1.0", summary: "keys and values in a log that is synced",
    options: { file: { type: "path", fallback: "data/store.log", help: "where they are kept" } },
    async open(host) {
        log = await Log.open(host.options.file);
        restorer = new Restorer(log);
    },
    close() {
        restorer?.close();
        return log?.close();
    },
    interfaces: {
        "loop:storage/store@0.1.0": { functions, resources: { bucket: { save: saveBucket, restore: restoreBucket } } },
    },
    state: {
        copies: true,
        quiesce: () => log.release(), // to whoever goes on with the same file
        async resume() {
            log.noted = undefined;
            await log.take();
        },
        save: (_, pass) => save(log, pass),
        restore: (_, pass, pieces) => restorer.restore(pass, pieces),
    },
});
