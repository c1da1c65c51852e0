/* Types of sidecar.js, which says what each of them does; values are as types.js has them. */

export type Level = "trace" | "debug" | "info" | "warn" | "error";
export type Fields = Record<string, string | number | bigint | boolean>;
export type Why = "interrupted" | "deadline" | "stopped";

/** Who asks. */
export interface Caller {
    component: string;
    identity: string;
    instance: number;
    /** Bytes of private storage that were granted; 0: none, and why. */
    storage: number;
    storageWhy: string;
}

/** What a function gets behind its arguments. */
export class Call {
    private constructor();
    readonly id: number;
    readonly caller: Caller;
    /** When the host gives up, on the clock of performance.now(); Infinity: never. */
    readonly deadline: number;
    readonly cancelled: { why: Why; left: number } | undefined;
    /** Aborted when the host cancels the call. */
    readonly signal: AbortSignal;
    /** Asks the next provider of the chain. Throws Err, or a Fault: `unavailable` at its end. */
    next(name: string, ...args: any[]): Promise<any> & { cancel(why: Why, left: number): void };
    /** An entry of loop's log, which belongs to this call. */
    log(level: Level, message: string, fields?: Fields): void;
}

/** What a function throws to answer the error of its result<T,E>. */
export class Err<E = any> extends Error {
    constructor(payload: E);
    readonly payload: E;
}

/** An error that no component can handle: it ends the one that called. */
export class Fault extends Error {
    constructor(code: string, messages: string | string[], hint?: string);
    readonly code: string;
    readonly messages: string[];
    readonly hint: string | undefined;
}

/** Bytes that are no value of their type, or no state. */
export class Malformed extends Error {}

/** An object behind the host: a handle that `call.next` answered. */
export class Remote {
    private constructor();
    readonly resource: string;
    readonly handle: bigint | number;
    /** Gives it back. */
    drop(): void;
    readonly owned: boolean;
}

/** A type of the component model, compiled from its structural text. */
export interface Type {
    readonly text: string;
    encode(value: any): Uint8Array;
    /** The values that stand in pieces of bytes. */
    each(pieces: AsyncIterable<Uint8Array>): AsyncIterable<any>;
}
/** The type that a text such as `list<record{a:u8}>` describes; a TypeError where it is none. */
export function parseType(text: string): Type;

/** `["(u32)->list<u32>", run]`; without `run` it goes to the next of the chain. */
export type Function = [type: string, run?: (...args: any[]) => any];

/** What to do with an object of a resource. */
export type Resource<T = any> =
    | ((object: T) => void)
    | { drop?(object: T): void; save?(object: T): Uint8Array; restore?(bytes: Uint8Array): T };

export interface Interface {
    functions: Record<string, Function>;
    resources?: Record<string, Resource | null | undefined> | string[];
}

export interface Option {
    type: "string" | "enum" | "size" | "duration" | "number" | "bool" | "path";
    values?: string;
    fallback?: string;
    help: string;
}

/** What `open` gets. */
export interface Host {
    name: string;
    /** With the type of their row: a size is a number of bytes, a duration one of milliseconds. */
    options: Record<string, any>;
    /** As they were given. */
    texts: Record<string, string>;
    log(level: Level, message: string, fields?: Fields): void;
}

export type Pass = "whole" | "copy" | "rest";

/** What is handed over when another provider takes the place of this one. */
export interface State {
    save?(interfaceName: string, pass: Pass): Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined;
    restore?(interfaceName: string, pass: Pass, pieces: AsyncIterable<Uint8Array>): void | Promise<void>;
    /** Both bear the passes "copy" and "rest" beside "whole". */
    copies?: boolean;
    quiesce?(): void | Promise<void>;
    resume?(): void | Promise<void>;
}

export interface Provider {
    name: string;
    version: string;
    summary?: string;
    devOnly?: boolean;
    interfaces: Record<string, Interface>;
    options?: Record<string, Option>;
    /** How many calls it bears at once; 0: any. */
    calls?: number;
    open?(host: Host): void | Promise<void>;
    close?(): void | Promise<void>;
    callerGone?(caller: Caller): void;
    state?: State;
}

/** Serves until the host closes the connection; then `close` and the end of the process. */
export function serve(provider: Provider): Promise<never>;
