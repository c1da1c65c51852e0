/* The file of a log: records and operations as bytes, and a log that is written to take another's place. */
import fs from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { Index, OP } from "./index.js";

export const HEAD = Buffer.from("loopkv 2"), OLDER = Buffer.from("loopkv 1"), MAGIC = 0x7c706c7c, RECORD = 20;
export const SET = 1, DELETE = 2, COUNT = 3, KEPT = 4;
export const sync = promisify(fs.fdatasync);

/** What a store cannot do: `code` is a case of loop:core/types.error. */
export class StoreError extends Error {
    constructor(code, message, hint) {
        super(hint ? `${message}; to do: ${hint}` : message);
        this.code = code;
    }
}

/** An open file; one that was replaced is closed when nobody reads it. */
export class File {
    constructor(fd, size) {
        this.fd = fd;
        this.size = size;
    }

    read(offset, length) {
        const bytes = Buffer.allocUnsafe(length);
        for (let n = 0; n < length; ) {
            const got = fs.readSync(this.fd, bytes, n, length - n, offset + n);
            if (!got) throw new StoreError("failed", "the file is shorter than it was", "put it back from a copy");
            n += got;
        }
        return bytes;
    }

    /** Behind all that is there. Where it ends; `size` is as it was. */
    append(parts) {
        let at = this.size;
        for (let part of parts)
            while (part.length) {
                const n = fs.writeSync(this.fd, part, 0, part.length, at);
                part = part.subarray(n);
                at += n;
            }
        return at;
    }
}

/** A change of a key; `version` is a text that another store gave, or count and draw. */
export function operation(kind, identity, bucket, key, value, version) {
    const kept = typeof version === "string";
    const [count, draw] = kept ? [BigInt(version.length), 0n] : version;
    const before = kept ? Buffer.from(version) : Buffer.alloc(0);
    const texts = [Buffer.from(identity), Buffer.from(bucket), Buffer.from(key, "latin1")];
    const head = Buffer.allocUnsafe(OP);
    head[0] = kept ? KEPT : kind;
    texts.forEach((text, i) => head.writeUInt16LE(text.length, 1 + 2 * i));
    head.writeUInt32LE(before.length + value.length, 7);
    head.writeBigUInt64LE(count, 11);
    head.writeBigUInt64LE(draw, 19);
    return Buffer.concat([head, ...texts, before, value]);
}

export function record(number, parts) {
    const head = Buffer.allocUnsafe(RECORD), length = parts.reduce((n, p) => n + p.length, 0);
    head.writeUInt32LE(MAGIC, 0);
    head.writeUInt32LE(length, 4);
    head.writeBigUInt64LE(number, 12);
    head.writeUInt32LE(parts.reduce((crc, p) => crc32(p, crc), crc32(head.subarray(12))), 8);
    return [head, ...parts];
}

/** A version as components see it. */
export const versionText = (v) => (typeof v === "string" ? v : `${v[0].toString(16)}-${v[1].toString(16)}`);

/** A log that is written beside another one, to take its place. Until then it is nobody's. */
export class Successor {
    index = new Index();
    parts = [];
    places = []; // [identity, bucket, key, entry] of each part
    bytes = 0;

    constructor(path, number = 0n) {
        this.path = path;
        this.number = number;
        this.file = new File(fs.openSync(path, "w+", 0o600), 0);
        try {
            this.file.size = this.file.append([HEAD]);
        } catch (why) {
            this.discard();
            throw why;
        }
    }

    /** `version`: as for operation. */
    async put(identity, bucket, key, value, version) {
        this.parts.push(operation(SET, identity, bucket, key, value, version));
        this.places.push([identity, bucket, key, { offset: 0, length: value.length, version, text: versionText(version) }]);
        await this.#added();
    }

    async delete(identity, bucket, key) {
        this.parts.push(operation(DELETE, identity, bucket, key, Buffer.alloc(0), [0n, 0n]));
        this.places.push([identity, bucket, key]);
        await this.#added();
    }

    async #added() {
        this.bytes += this.parts.at(-1).length;
        if (this.bytes > 1 << 20) await this.flush();
    }

    async flush() {
        const bytes = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts, this.bytes);
        let offset = this.file.size + RECORD;
        this.file.size = this.file.append(record((this.number += 1n), [bytes]));
        this.places.forEach(([identity, bucket, key, entry], i) => {
            offset += this.parts[i].length;
            if (entry) entry.offset = offset - entry.length;
            this.index.put(identity, bucket, key, entry);
        });
        [this.parts, this.places, this.bytes] = [[], [], 0];
        await new Promise(setImmediate); // reads go on meanwhile
    }

    /** All of it lasts, but for its name. */
    async finish(count, draw) {
        if (this.parts.length) await this.flush();
        this.file.size = this.file.append(record((this.number += 1n),
            [operation(COUNT, "", "", "", Buffer.alloc(0), [count, draw])]));
        await sync(this.file.fd); // not at once: PING is answered meanwhile
    }

    discard() {
        fs.closeSync(this.file.fd);
        fs.rmSync(this.path, { force: true });
    }
}
