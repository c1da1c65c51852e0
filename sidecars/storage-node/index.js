/* Which keys there are, in order, and where their values lie in the log. */

/** Bytes of an operation in the log, beside its texts and its value. */
export const OP = 27;

/** The keys of a bucket, by name and in order: text whose letters are bytes. */
class Bucket {
    entries = new Map();
    sorted = [];

    /** How many keys come before this one. */
    rank(key) {
        let low = 0, high = this.sorted.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.sorted[middle] < key) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    set(key, entry) {
        // Keys mostly come in order when a file is read.
        if (!this.entries.has(key)) {
            const last = this.sorted.at(-1);
            if (last === undefined || last < key) this.sorted.push(key);
            else this.sorted.splice(this.rank(key), 0, key);
        }
        this.entries.set(key, entry);
    }

    delete(key) {
        if (this.entries.delete(key)) this.sorted.splice(this.rank(key), 1);
    }
}

/** What is stored: identity -> { bytes, keys, buckets: name -> Bucket }. An empty one is not there. */
export class Index {
    spaces = new Map();
    live = 0; // bytes of the operations that made what is there

    get(identity, bucket, key) {
        return this.spaces.get(identity)?.buckets.get(bucket)?.entries.get(key);
    }

    size(identity) {
        const { bytes = 0, keys = 0 } = this.spaces.get(identity) ?? {};
        return { bytes, keys };
    }

    /** `entry` undefined: not there any more. */
    put(identity, bucket, key, entry) {
        const space = this.spaces.get(identity) ?? { bytes: 0, keys: 0, buckets: new Map() };
        const found = space.buckets.get(bucket) ?? new Bucket(), old = found.entries.get(key);
        for (const [e, sign] of [[old, -1], [entry, 1]]) {
            if (!e) continue;
            space.bytes += sign * (key.length + e.length);
            space.keys += sign;
            const kept = typeof e.version === "string" ? e.version.length : 0; // its text is there, too
            this.live += sign * (OP + Buffer.byteLength(identity) + bucket.length + key.length + kept + e.length);
        }
        if (entry) found.set(key, entry);
        else found.delete(key);
        if (found.entries.size) space.buckets.set(bucket, found);
        else space.buckets.delete(bucket);
        if (space.keys) this.spaces.set(identity, space);
        else this.spaces.delete(identity);
    }
}
