/*
 * scaffold-name NAME: counts a visit of NAME, and says which one it is.
 *
 * A bucket with a key for each name (wit/deps/loop-storage/store.wit). Several of these may run at
 * once: a count is written only if it still is what was read, else read again.
 */
import store from "loop:storage/store";
import { command, decode, encode, Failure, print, Usage } from "./loop-sdk/loop.js";

/** @type {Record<string, string>} */
const WHY = {
    unavailable: "nobody serves it here",
    denied: "it was not granted",
    invalid: "invalid",
    limit: "the quota is used up",
    cancelled: "cancelled",
    failed: "the store failed",
};

/* An error of the interface as one for the person who runs this. */
function failure(error) {
    const { tag, val } = error.payload ?? error;
    if (!WHY[tag]) return error;
    return new Failure(`cannot use the storage\n  because ${WHY[tag]}${val ? `: ${val}` : ""}`);
}

function visit(name) {
    const visits = store.open("visits");
    const key = encode(name);
    for (;;) {
        const seen = visits.get(key);
        const count = seen ? Number(decode(seen.value)) + 1 : 1;
        /** @type {import("loop:storage/store").Condition} */
        const condition = seen ? { tag: "unchanged", val: seen.version } : { tag: "absent" };
        /** @type {import("loop:storage/store").Change} */
        const change = { tag: "set", val: encode(String(count)) };
        if (visits.compareAndSwap(key, condition, change).tag === "applied") return count;
    }
}

export const run = command((args) => {
    if (args.length !== 1) throw new Usage("scaffold-name NAME");
    const [name] = args;
    try {
        print(`visit ${visit(name)} of ${name}`);
    } catch (error) {
        throw failure(error);
    }
});
