/* Types of loop.js. */

/** Text as UTF-8. */
export function encode(text: string): Uint8Array;
/** UTF-8 as text; bytes that are none become U+FFFD. */
export function decode(bytes: Uint8Array): string;
/** Writes bytes to a stream of wasi:io, however many. */
export function write(stream: { blockingWriteAndFlush(bytes: Uint8Array): void }, bytes: Uint8Array): void;
/** Calls `use` with a resource, then gives the resource back. */
export function lend<R extends { [Symbol.dispose](): void }, T>(resource: R, use: (resource: R) => T): T;
/** Bytes on standard output, as they are. */
export function printBytes(bytes: Uint8Array): void;
/** A line on standard output. */
export function print(text: string): void;
/** A line on standard error. */
export function printError(text: string): void;
/** The arguments, without the program's name. */
export function args(): string[];
/** A log entry; the fields are those of an object. */
export function logEntry(
    level: "trace" | "debug" | "info" | "warn" | "error",
    target: string,
    message: string,
    fields?: Record<string, string | number | boolean>,
): void;
/** A function as `wasi:cli/run`: `export const run = command(main)`. */
export function command(main: (args: string[]) => void): { run(): void };
/** For the person who runs the command: what went wrong, and no stack. */
export class Failure extends Error {
    constructor(text: string);
}
/** How the command is meant to be called. */
export class Usage extends Failure {
    constructor(text: string);
}
