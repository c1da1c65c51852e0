/*
 * visits NAME   counts a visit of NAME and says which one it is
 * visits        prints everybody with their visits
 *
 * loop:storage/store: one bucket, a key for each name. Several of these may run at once: a
 * count is written only if it still is what was read (compare-and-swap), else read again.
 */
import store from "loop:storage/store";
import { command, decode, encode, Failure, print } from "../../../sdk/js/loop.js";

const WHY = {
    unavailable: "nobody serves it here",
    denied: "it was not granted",
    invalid: "invalid",
    limit: "the quota is used up",
    cancelled: "cancelled",
    failed: "the store failed",
};

/* An error of the interface, wherever the bindings put it, as one for people. */
function failure(error) {
    const { tag, val } = error.payload ?? error;
    if (!WHY[tag]) return error;
    return new Failure(`cannot use the storage\n  because ${WHY[tag]}${val ? `: ${val}` : ""}`);
}

function visit(visits, name) {
    const key = encode(name);
    for (;;) {
        const seen = visits.get(key);
        const count = seen ? Number(decode(seen.value)) + 1 : 1;
        const condition = seen ? { tag: "unchanged", val: seen.version } : { tag: "absent" };
        const change = { tag: "set", val: encode(String(count)) };
        if (visits.compareAndSwap(key, condition, change).tag === "applied")
            return print(`visit ${count} of ${name}`);
    }
}

function list(visits) {
    for (let page = {}, more = true; more; more = page.cursor != null) {
        page = visits.listKeys(new Uint8Array(), page.cursor, 0);
        for (const key of page.keys) {
            const seen = visits.get(key); // nothing where somebody took it away meanwhile
            if (seen) print(`${decode(seen.value).padStart(6)}  ${decode(key)}`);
        }
    }
}

export const run = command(([name]) => {
    try {
        const visits = store.open("visits");
        if (name === undefined) list(visits);
        else visit(visits, name);
    } catch (error) {
        throw failure(error);
    }
});
