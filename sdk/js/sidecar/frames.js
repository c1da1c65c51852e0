/*
 * Frames and messages over two descriptors, with credit. What they mean is in sidecar.js.
 *
 * Writes block: the host reads whatever it waits for, so they end. What has no credit yet waits in a
 * queue and goes out in turns, a piece of each message at a time.
 */
import { closeSync, constants, openSync, writeSync, writevSync } from "node:fs";
import { Socket } from "node:net";
import { Malformed, Reader } from "./bytes.js";
import { parseType } from "./types.js";

const MAGIC = 0x706c, LONGEST_FRAME = 1 << 20, LONGEST_MESSAGE = 64 << 20;
const MOST_IN_PIECES = 1024, MOST_IN_PIECES_BYTES = 256 << 20;
const PIECE = 256 << 10; // the longest that is sent at once, to let others in between
const SLIVER = 4 << 10; // with less credit than this, a longer message waits
/** Bytes that the host may have in flight. */
export const CREDIT = 4 << 20;

export const ERROR = "record{code:string,messages:list<string>,hint:option<string>}";
export const LEVELS = ["trace", "debug", "info", "warn", "error"];
const LEVEL = `enum{${LEVELS}}`;

const ROWS = `
0x01 WELCOME s record{magic:string,protocols:list<u32>,name:string,version:string,summary:string,dev-only:bool,\
credit:u32,calls:u32,capabilities:list<string>,options:list<record{name:string,type:string,values:string,\
fallback:option<string>,help:string}>,interfaces:list<record{name:string,version:string,functions:list<record{\
name:string,type:string,implemented:bool}>,resources:list<string>}>}
0x02 START h record{protocol:u32,host:string,capabilities:list<string>,credit:u32,shared:u32,log:${LEVEL},\
deadline:u32,options:list<tuple<string,string>>}
0x03 READY s
0x04 FAIL s ${ERROR}
0x10 CALLER h record{component:string,identity:string,instance:u64,storage:u64,storage-why:string}
0x11 CALLER-GONE h
0x12 CALL h tuple<u32,u32,u32,u32,u32>
0x13 NEXT s tuple<u32,u32,u32>
0x14 RESULT hs
0x15 FAULT hs ${ERROR}
0x16 CANCEL hs tuple<enum{interrupted,deadline,stopped},u32>
0x17 DROP hs tuple<u32,u32,u64>
0x18 RELEASE hs
0x20 CREDIT hs u32
0x21 PING hs
0x22 PONG hs
0x30 QUIESCE h
0x31 RESUME h
0x32 SAVE h tuple<u32,enum{whole,copy,rest}>
0x33 RESTORE h tuple<u32,enum{whole,copy,rest}>
0x34 STATE hs
0x35 SAVE-OBJECT h tuple<u32,u32,u64>
0x36 RESTORE-OBJECT h tuple<u32,u32>
0x80 LOG s record{level:${LEVEL},wall-ms:u64,target:string,message:string,fields:list<record{name:string,\
value:variant{text(string),integer(s64),number(f64),boolean(bool)}}>}`;

const CUTTABLE = new Set(["CALL", "NEXT", "RESULT", "FAULT", "STATE"]);
const FREE = new Set(["WELCOME", "START", "READY", "FAIL", "CREDIT"]); // what costs no credit
/** What is answered before anything else, or not part of the conversation. */
const AT_ONCE = new Set([...FREE, "PONG"]);

/** One type of frame, by name: its number, who sends it, the Type that its payload begins with. */
export const FRAMES = Object.fromEntries(ROWS.trim().split("\n").map((line) => {
    const [number, name, senders, text] = line.split(" ");
    return [name, {
        name, number: Number(number), host: senders.includes("h"), sidecar: senders.includes("s"),
        type: text && parseType(text), cuttable: CUTTABLE.has(name), counts: !FREE.has(name),
    }];
}));
const NUMBERS = new Map(Object.values(FRAMES).map((row) => [row.number, row]));

/** The other side did not keep to the protocol; the connection is over. */
export class Broken extends Error {}

/** The 12 bytes before a payload. */
export function header(number, id, length, more = false, to = Buffer.allocUnsafe(12)) {
    to.writeUInt32LE(length, 0);
    to[4] = number;
    to[5] = more ? 1 : 0;
    to.writeUInt16LE(MAGIC, 6);
    to.writeUInt32LE(id, 8);
    return to;
}

export function parseHeader(data, at = 0) {
    const length = data.readUInt32LE(at), flags = data[at + 5];
    if (data.readUInt16LE(at + 6) !== MAGIC || flags > 1 || length > LONGEST_FRAME)
        throw new Broken(`this is no header of a frame: ${data.toString("latin1", at, at + 12)}`);
    return { length, number: data[at + 4], more: flags === 1, id: data.readUInt32LE(at + 8) };
}

/** The value that a whole payload is. */
export function decoded(row, payload) {
    try {
        return row.type.decode(payload);
    } catch (why) {
        throw why instanceof Malformed ? new Broken(`a ${row.name} that is none: ${why.message}`) : why;
    }
}

/** The value that a payload begins with, and a Reader of what follows. */
export function decodedHead(row, payload, peer) {
    const r = new Reader(payload, peer);
    try {
        return [row.type.read(r), r];
    } catch (why) {
        throw why instanceof Malformed ? new Broken(`a ${row.name} that is none: ${why.message}`) : why;
    }
}

/**
 * Descriptors of their own for frames: new ones for the same pipes. What prints, in this process or in
 * one that it starts, then prints to stderr, and who reads from stdin finds nothing. Where the system has
 * no /proc, the program's own prints at least go to stderr.
 */
export function takeStreams() {
    const number = process.env.LOOP_SIDECAR_FD;
    delete process.env.LOOP_SIDECAR; // it is about this process alone
    delete process.env.LOOP_SIDECAR_FD;
    try {
        const out = openSync("/proc/self/fd/1", "a");
        const input = openSync("/proc/self/fd/0", constants.O_RDONLY | constants.O_NONBLOCK);
        closeSync(0);
        openSync("/dev/null", "r"); // takes the lowest number that is free: 0
        closeSync(1);
        openSync("/proc/self/fd/2", "a");
        return { source: new Socket({ fd: input, readable: true, writable: false }), out, shared: Number(number) };
    } catch {
        process.stdout.write = process.stderr.write.bind(process.stderr);
        return { source: process.stdin, out: 1, shared: Number(number) };
    }
}

export class Connection {
    /** `receive(row, id, payload, more)` gets whole messages; of STATE, pieces, for `giveBack`. */
    constructor(out, receive) {
        this.out = out;
        this.receive = receive;
        this.chunks = []; // what came and is no whole frame yet
        this.have = 0;
        this.need = 12;
        this.pieces = new Map(); // id -> [row, [payload..], bytes] of messages that came in part
        this.inPieces = 0;
        this.credit = this.most = 0; // what may still be sent, and at most
        this.granted = CREDIT; // to the host
        this.unreturned = 0;
        this.queue = []; // messages that wait for credit
        this.small = Buffer.allocUnsafe(12 + 4096);
    }

    /* ---- reading ---- */

    /** Bytes from the host. Throws Broken. */
    feed(chunk) {
        this.chunks.push(chunk);
        this.have += chunk.length;
        if (this.have < this.need) return;
        const data = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.have);
        let at = 0;
        for (;;) {
            this.need = 12;
            if (data.length - at < 12) break;
            const head = parseHeader(data, at);
            this.need = 12 + head.length;
            if (data.length - at < this.need) break;
            at += this.need;
            this.#frame(head, data.subarray(at - head.length, at));
        }
        this.have = data.length - at;
        this.chunks = this.have ? [data.subarray(at)] : [];
    }

    /** The stream ended. */
    finish() {
        if (this.have) throw new Broken("the stream ends within a frame");
    }

    #frame({ number, more, id }, payload) {
        const row = NUMBERS.get(number);
        if (!row?.host && number < 0x80)
            throw new Broken(`the host sent a frame of type 0x${number.toString(16)}`);
        if (more && row && !row.cuttable) throw new Broken(`${row.name} in pieces`);
        if (!row || row.counts) this.#received(payload.length, row?.name === "STATE");
        if (!row?.host) return;
        if (row.name === "CREDIT") this.#moreCredit(decoded(row, payload));
        else if (row.name === "STATE" || (!more && !this.pieces.has(id)) || !row.cuttable)
            this.receive(row, id, payload, more);
        else this.#putTogether(row, id, payload, more);
    }

    #received(n, later) {
        this.granted -= n;
        if (this.granted < 0) throw new Broken("more bytes than there was credit for");
        if (!later) this.giveBack(n);
    }

    /** Bytes that came are no longer kept. Of STATE, whoever takes the pieces says so: the host waits for them. */
    giveBack(n) {
        this.unreturned += n;
        if (this.unreturned < CREDIT / 4) return;
        const back = this.unreturned;
        this.granted += back;
        this.unreturned = 0;
        this.send("CREDIT", 0, back);
    }

    #putTogether(row, id, payload, more) {
        const known = this.pieces.get(id) ?? [row, [], 0];
        if (known[0] !== row) throw new Broken(`a ${row.name} within a ${known[0].name} of the same id`);
        this.pieces.set(id, known);
        known[1].push(payload);
        known[2] += payload.length;
        this.inPieces += payload.length;
        if (known[2] > LONGEST_MESSAGE) throw new Broken("a message of more than 64 MiB");
        if (this.pieces.size > MOST_IN_PIECES || this.inPieces > MOST_IN_PIECES_BYTES)
            throw new Broken("too many messages in pieces");
        if (more) return;
        this.pieces.delete(id);
        this.inPieces -= known[2];
        this.receive(row, id, Buffer.concat(known[1], known[2]), false);
    }

    /* ---- writing ---- */

    /** START said what may be in flight. */
    start(credit) {
        this.credit = this.most = credit;
    }

    #moreCredit(n) {
        this.credit += n;
        if (this.credit > this.most) throw new Broken("more credit came back than was spent");
        this.#drain();
    }

    /**
     * One message: `value` of the row's type, then the bytes `tail`. Answers with a promise where it
     * had to wait for credit. Of STATE, pieces of 64 KiB at most, each to be awaited; `more` follow.
     */
    send(name, id, value, tail, more = false) {
        const row = FRAMES[name];
        let payload = row.type ? row.type.encode(value) : (tail ?? Buffer.alloc(0));
        if (row.type && tail) payload = Buffer.concat([payload, tail]);
        if (payload.length > (row.cuttable ? LONGEST_MESSAGE : LONGEST_FRAME))
            throw new RangeError(`a ${name} of ${payload.length} bytes is too long`);
        if (AT_ONCE.has(name)) return this.#write(row, id, payload, more);
        const message = { row, id, payload, more };
        this.queue.push(message);
        this.#drain();
        if (!this.queue.includes(message)) return undefined;
        return new Promise((resolve) => (message.sent = resolve));
    }

    #drain() {
        for (let i = 0; i < this.queue.length; ) {
            const message = this.queue[i], { row, id, payload } = message;
            const n = this.#spend(row, payload.length, message.more);
            if (n === undefined && row.name !== "STATE") return;
            if (n === undefined) {
                i++; // others have credit that it may not use
                continue;
            }
            this.queue.splice(i, 1);
            message.payload = payload.subarray(n);
            const left = message.payload.length > 0;
            this.#write(row, id, payload.subarray(0, n), message.more || left);
            if (left) this.queue.push(message); // the next one gets its turn
            else message.sent?.();
        }
    }

    /**
     * How much of `left` bytes may go now; undefined: wait. A piece of STATE leaves half of the credit to
     * others, and may be as short as it takes: who has read less than half gives nothing back.
     */
    #spend(row, left, more) {
        const state = row.name === "STATE" && more, room = this.credit - (state ? this.most >> 1 : 0);
        const cuttable = state || (row.cuttable && row.name !== "STATE"); // an object's goes in one piece
        if (left && room < (state ? 1 : cuttable ? Math.min(left, SLIVER) : left)) return undefined;
        const n = cuttable ? Math.min(left, room, PIECE) : left;
        this.credit -= n;
        return n;
    }

    #write(row, id, payload, more) {
        const n = payload.length, head = header(row.number, id, n, more, this.small);
        let parts;
        if (n <= 4096) {
            payload.copy(head, 12);
            parts = [head.subarray(0, 12 + n)];
        } else parts = [head.subarray(0, 12), payload];
        try {
            while (parts.length) parts = this.#some(parts);
        } catch (why) {
            if (why.code !== "EPIPE") throw why; // the host is gone; the end of its stream says so, too
        }
    }

    /** Writes what goes; answers with what is left. */
    #some(parts) {
        let n;
        try {
            n = parts.length === 1 ? writeSync(this.out, parts[0]) : writevSync(this.out, parts);
        } catch (why) {
            if (why.code !== "EAGAIN") throw why;
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a pipe that does not block
            return parts;
        }
        while (parts.length && n >= parts[0].length) n -= parts.shift().length;
        if (parts.length) parts[0] = parts[0].subarray(n);
        return parts;
    }
}
