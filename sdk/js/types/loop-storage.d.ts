/* loop:storage@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * The state of a store, as one provider hands it to the next while
 * components use it.
 *
 * Settled: this is format 1. The state belongs to the interface and not to a
 * provider: any store can save it for any other to restore. Nobody calls
 * anything here; the types are what a provider's `save` and `restore` write
 * and read (loop/provider.h; for a sidecar SAVE, RESTORE and STATE of
 * sidecar/PROTOCOL.md).
 *
 * **A stream** is `item` after `item` in the component model's value
 * encoding, nothing between them: one `header`, then each `bucket` followed
 * by its keys, then `end`, and nothing after it. Buckets come in ascending
 * order of identity, then of name, keys in ascending order, all as unsigned
 * bytes, the shorter one first; so each comes at most once. A bucket that no
 * key follows means nothing. A store that holds nothing writes `header` and
 * `end`.
 *
 * **Passes.** Either all is handed over at once while no call is under way:
 * `whole`. Or it is copied while calls go on: `copy`, of which each key is
 * as it was at some moment since the copy began; then, without calls,
 * `rest`: each key that was written or deleted since the copy began, as it
 * is now (`stored`) or as gone (`removed`, also where the copy never had
 * it). A store that has lost count of what changed writes `whole` once more
 * where `rest` was asked for; what the copy brought is forgotten then.
 *
 * **Who restores** takes all or nothing: it keeps nothing of a stream that
 * is malformed, out of order, over a limit of `store`, or without its `end`,
 * and refuses it with `invalid`; what `copy` brought counts only after
 * `rest`. It is lasting, as its writes are, when `whole` or `rest` is
 * answered. A store that holds a key refuses with `denied`, unless the
 * header names its own `home`. Quotas are not looked at: who is over one
 * may tidy up.
 *
 * **Versions** are kept, because components hold them. A store never gives
 * a version that any store has given for the key before: it draws at least
 * 64 random bits when it opens, and has them in every version that it gives.
 */
declare module "loop:storage/state" {
    import type { Key, Value, Version } from "loop:storage/store";
    export type { Key };
    export type { Value };
    export type { Version };
    /** What a stream is about. */
    export type Pass =
        /** Everything. */
        | "whole"
        /** Everything, while calls go on. `rest` follows. */
        | "copy"
        /** What changed since `copy` began. */
        | "rest";
    /** How to read what follows. */
    export interface Header {
        /** The format described here is 1. Another one is refused. */
        format: number;
        /** The provider that wrote it, for a log. At most 256 bytes. */
        writer: string;
        /** What the stream is about. */
        pass: Pass;
        /**
         * Where the writer keeps what it holds, if that outlasts it: a text
         * that two stores share only while they have the same bytes under
         * them, such as a name of the provider and the number of its file.
         * A store that finds its own home here has everything already: it
         * reads to the end and changes nothing. At most 4,096 bytes.
         */
        home?: string | null;
    }
    /** The bucket that the following keys are in. */
    export interface BucketStart {
        /**
         * The identity that owns it, as the host tells it with each call: 1
         * to 8,192 bytes, none of them zero.
         */
        identity: string;
        name: string;
    }
    /** One key that is there. */
    export interface Stored {
        key: Key;
        value: Value;
        /** 1 to 64 bytes of ASCII, 33 to 126 each. */
        version: Version;
    }
    /** One step of the stream. */
    export type Item =
        | { tag: "header"; val: Header }
        | { tag: "bucket"; val: BucketStart }
        | { tag: "stored"; val: Stored }
        /** One key that is gone. In `rest` only. */
        | { tag: "removed"; val: Key }
        /** The end, with the number of `stored` and `removed` before it. */
        | { tag: "end"; val: number };
    /**
     * What a handle of a `bucket` is, for save and restore of objects. Whose
     * it is comes with each call.
     */
    export interface BucketObject {
        name: string;
    }
}
declare module "loop:storage/state@0.1.0" {
    export * from "loop:storage/state";
}

/**
 * Buckets of keys and values.
 *
 * May wait: every function here may go to a disk or to another process. A
 * wait ends with `cancelled` when the component's deadline passes.
 *
 * A bucket is private to the identity of the component: two components that
 * open "notes" see two buckets, unless the host granted a shared one. What an
 * acknowledged call has written survives a crash of the host and of the
 * machine, unless the operator chose a relaxed mode, or a provider that only
 * remembers.
 *
 * Limits: a bucket name is 1 to 64 bytes of `a-z 0-9 - _ .`; a key is 1 to
 * 1,024 bytes; a value is 0 to 16 MiB. Over a limit of this page the answer
 * is `invalid`; over the quota of the component it is `limit`. Neither
 * changes anything.
 */
declare module "loop:storage/store" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /** 1 to 1,024 bytes, any bytes. Keys are ordered as unsigned bytes. */
    export type Key = Uint8Array;
    /** 0 to 16 MiB. */
    export type Value = Uint8Array;
    /**
     * Names one state of one key: every write of a key gives it a version
     * that no earlier state of this key had, also when the bytes are the
     * same and when the key was deleted in between. Compare for equality
     * only. At most 64 bytes of ASCII; it survives a swap of the provider.
     */
    export type Version = string;
    /** A value and the version it has. */
    export interface Entry {
        value: Value;
        version: Version;
    }
    /** What must hold for a change to happen. */
    export type Condition =
        /** Nothing. */
        | { tag: "always" }
        /** The key does not exist. */
        | { tag: "absent" }
        /** The key exists and has this version. */
        | { tag: "unchanged"; val: Version };
    /** What to do with a key. */
    export type Change =
        | { tag: "set"; val: Value }
        /** Deleting a key that does not exist is no error. */
        | { tag: "delete" }
        /** Nothing: the operation only checks its condition. */
        | { tag: "keep" };
    /** One key of a batch. */
    export interface Operation {
        key: Key;
        condition: Condition;
        change: Change;
    }
    /**
     * How a conditional change ended. A conflict is an answer, not an error:
     * read again and decide.
     */
    export type Outcome =
        /**
         * The condition held. The version the key has now, none if it does
         * not exist.
         */
        | { tag: "applied"; val: Version | null }
        /**
         * The condition did not hold and nothing changed. The version the
         * key has now, none if it does not exist.
         */
        | { tag: "conflict"; val: Version | null };
    /** How a batch ended. */
    export type BatchOutcome =
        /**
         * Every condition held. For each operation, in its order, the
         * version its key has now, none if it does not exist.
         */
        | { tag: "applied"; val: Array<Version | null> }
        /**
         * Nothing changed. The operations whose condition did not hold,
         * counted from 0.
         */
        | { tag: "conflict"; val: number[] };
    /** Some keys, ascending. */
    export interface KeyPage {
        keys: Key[];
        /** Pass it on to get the next page; none after the last one. */
        cursor?: Key | null;
    }
    /**
     * What the component has stored in all its own buckets together, keys
     * and values counted, and how much it may.
     */
    export interface Usage {
        bytesUsed: number;
        /** None without a quota. */
        bytesGranted?: number | null;
    }
    /** One bucket. Drop it at will: nothing is buffered in it. */
    export class Bucket {
        private constructor();
        /**
         * The value of a key, none if it does not exist. It sees every write
         * that was acknowledged before the call.
         */
        get(key: Key): Entry | null;
        /**
         * The values of up to 1,024 keys, in the order asked for, all from
         * one moment. `limit` if they hold more than 32 MiB together.
         */
        getMany(keys: Key[]): Array<Entry | null>;
        /** Writes a value, whatever was there. Answers with the new version. */
        set(key: Key, value: Value): Version;
        /** Removes a key. Whether it was there. */
        delete(key: Key): boolean;
        /**
         * Changes a key if `condition` holds, as one step that nobody sees
         * the middle of.
         */
        compareAndSwap(key: Key, condition: Condition, change: Change): Outcome;
        /**
         * Changes up to 1,024 keys, at most 32 MiB together, all or none of
         * them, as one step. A key may be named once, else `invalid`.
         */
        apply(operations: Operation[]): BatchOutcome;
        /**
         * Keys that begin with `prefix` and come after `cursor`, ascending;
         * at most `limit` of them and never more than 1,024, which 0 asks
         * for. A key that exists from the first page to the last comes
         * exactly once; one that comes or goes meanwhile, at most once.
         *
         * The cursor is the last key of the page, so it never expires and
         * outlives a swap of the provider; any key may serve as one.
         */
        listKeys(prefix: Uint8Array, cursor: Key | null, limit: number): KeyPage;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Opens a bucket, made empty by its first write.
     *
     * @throws {Error}
     */
    export function open(name: string): Bucket;
    /**
     * The component's own buckets that hold a key, ascending.
     *
     * @throws {Error}
     */
    export function buckets(): string[];
    /**
     * How much is stored and how much may be.
     *
     * @throws {Error}
     */
    export function getUsage(): Usage;
    const all: { open: typeof open, buckets: typeof buckets, getUsage: typeof getUsage };
    export default all;
}
declare module "loop:storage/store@0.1.0" {
    export * from "loop:storage/store";
    export { default } from "loop:storage/store";
}
