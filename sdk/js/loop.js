/*
 * What a JavaScript engine in a component lacks beside the language: text as
 * bytes, lines on standard output, arguments. Nothing here is hidden: each
 * function is a few lines over a WIT import.
 */
import environment from "wasi:cli/environment";
import stdout from "wasi:cli/stdout";
import stderr from "wasi:cli/stderr";
import { log } from "loop:core/logging";

/** Text as UTF-8. */
export function encode(text) {
    const bytes = [];
    for (const letter of text) {
        const c = letter.codePointAt(0);
        if (c < 0x80) bytes.push(c);
        else if (c < 0x800) bytes.push(0xc0 | (c >> 6), 0x80 | (c & 63));
        else if (c < 0x10000) bytes.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
        else
            bytes.push(
                0xf0 | (c >> 18),
                0x80 | ((c >> 12) & 63),
                0x80 | ((c >> 6) & 63),
                0x80 | (c & 63),
            );
    }
    return new Uint8Array(bytes);
}

/** UTF-8 as text; bytes that are none become U+FFFD. */
export function decode(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; ) {
        const first = bytes[i++];
        let more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : -1;
        let c = more <= 0 ? first : first & (0x3f >> more);
        if (more < 0) c = 0xfffd;
        for (; more > 0; more--) {
            if (i >= bytes.length || (bytes[i] & 0xc0) !== 0x80) {
                c = 0xfffd;
                break;
            }
            c = (c << 6) | (bytes[i++] & 0x3f);
        }
        text += String.fromCodePoint(c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c);
    }
    return text;
}

/** Writes bytes to a stream, however many: one call takes 4096 at most. */
export function write(stream, bytes) {
    for (let i = 0; i < bytes.length; i += 4096)
        stream.blockingWriteAndFlush(bytes.subarray(i, i + 4096));
}

/**
 * Calls `use` with a resource, then gives the resource back. Nest these calls:
 * a host traps when a parent is given back before its children, and the
 * garbage collector knows no such order.
 */
export function lend(resource, use) {
    try {
        return use(resource);
    } finally {
        resource[Symbol.dispose]();
    }
}

/** Bytes on standard output, as they are. */
export function printBytes(bytes) {
    lend(stdout.getStdout(), (stream) => write(stream, bytes));
}

/** A line on standard output. */
export function print(text) {
    printBytes(encode(text + "\n"));
}

/** A line on standard error. */
export function printError(text) {
    lend(stderr.getStderr(), (stream) => write(stream, encode(text + "\n")));
}

/** The arguments, without the program's name. */
export function args() {
    return environment.getArguments().slice(1);
}

/** A log entry; the fields are those of an object. */
export function logEntry(level, target, message, fields = {}) {
    /** @returns {import("loop:core/logging").FieldValue} */
    const value = (v) =>
        typeof v === "boolean"
            ? { tag: "boolean", val: v }
            : typeof v !== "number"
              ? { tag: "text", val: String(v) }
              : { tag: Number.isSafeInteger(v) ? "integer" : "float", val: v };
    const list = Object.entries(fields).map(([name, v]) => ({ name, value: value(v) }));
    log(level, target, message, list);
}

/**
 * A function as `wasi:cli/run`: `export const run = command(main)`. What it
 * throws becomes a message on standard error and the error case of `run`.
 */
export function command(main) {
    return {
        run() {
            try {
                main(args());
            } catch (error) {
                printError(error instanceof Failure ? error.message : `error: ${error}`);
                throw undefined;
            }
        },
    };
}

/** For the person who runs the command: what went wrong, and no stack. */
export class Failure extends Error {
    constructor(text) {
        super(`error: ${text}`);
    }
}

/** How the command is meant to be called. */
export class Usage extends Failure {
    constructor(text) {
        super("");
        this.message = `usage: ${text}`;
    }
}
