/* loop:devserver@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * Files that were edited.
 *
 * Sketch. For a component that reads its own assets again: styles, shaders,
 * levels. Components and providers that changed are replaced by the host
 * without it.
 */
declare module "loop:devserver/changes" {
    import type { Error } from "loop:core/types";
    import type { Pollable } from "wasi:io/poll";
    export type { Error };
    export type { Pollable };
    /** What happened to a file. */
    export type Kind =
        | "created"
        | "modified"
        | "removed";
    /** A file, as the component sees it. */
    export interface Change {
        path: string;
        kind: Kind;
    }
    /** A watch. Drop it to end it. */
    export class Watcher {
        private constructor();
        /** What changed since the last call, each file once. Never waits. */
        take(): Change[];
        /** Ready when there is something to take. */
        subscribe(): Pollable;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Watches files and directories, with all below them, inside the
     * directories that the component was granted.
     *
     * @throws {Error}
     */
    export function watch(paths: string[]): Watcher;
    const all: { watch: typeof watch };
    export default all;
}
declare module "loop:devserver/changes@0.0.1" {
    export * from "loop:devserver/changes";
    export { default } from "loop:devserver/changes";
}

/**
 * The instances of this host and what they do: for tools. Trusted only.
 *
 * Sketch. What `loop ps`, `loop swap` and `loop reload` do. Nothing here
 * waits: a swap goes on by itself and is looked at.
 */
declare module "loop:devserver/control" {
    import type { Error } from "loop:core/types";
    import type { Pollable } from "wasi:io/poll";
    export type { Error };
    export type { Pollable };
    /** What serves one import of an instance. */
    export interface Binding {
        imported: string;
        /** From the outermost link to the provider. */
        chain: string[];
        generation: number;
        callsInFlight: number;
    }
    /** What an instance is doing. */
    export type Condition =
        | "starting"
        | "running"
        | "swapping"
        | "stopping"
        | "stopped"
        | "failed";
    /** An instance. */
    export interface Instance {
        name: string;
        condition: Condition;
        restarts: number;
        bindings: Binding[];
    }
    /** What to replace. */
    export type Target =
        /** The component of an instance, by a path or package. */
        | { tag: "component"; val: string }
        /** The provider of one import: the import, then the provider. */
        | { tag: "provider"; val: [string, string] };
    /** What becomes of the state. */
    export type Carry =
        | "state"
        | "none";
    /** A swap to make. */
    export interface Wish {
        instance: string;
        target: Target;
        carry: Carry;
        /** Says what would happen and changes nothing. */
        dryRun: boolean;
    }
    /** How a swap stands. */
    export type Progress =
        /** Under way: the step, for a person. */
        | { tag: "running"; val: string }
        /** Done; so many microseconds in which calls were held back. */
        | { tag: "done"; val: number }
        /** The old one serves on. Why, for a person. */
        | { tag: "rolled-back"; val: string };
    /** A swap. Dropping it does not undo it. */
    export class Swap {
        private constructor();
        /** How it stands. Never waits. */
        progress(): Progress;
        /** Ready when it has ended. */
        subscribe(): Pollable;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * The instances there are.
     *
     * @throws {Error}
     */
    export function instances(): Instance[];
    /**
     * Begins swaps, one after the other.
     *
     * @throws {Error}
     */
    export function begin(wishes: Wish[]): Swap[];
    const all: { instances: typeof instances, begin: typeof begin };
    export default all;
}
declare module "loop:devserver/control@0.0.1" {
    export * from "loop:devserver/control";
    export { default } from "loop:devserver/control";
}

/**
 * What a person should see over the running application.
 *
 * Sketch.
 */
declare module "loop:devserver/overlay" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /**
     * A place in a source file. Lines and columns count from 1; 0 is
     * unknown.
     */
    export interface Location {
        path: string;
        line: number;
        column: number;
    }
    /** How much it matters. */
    export type Severity =
        | "note"
        | "warning"
        | "error";
    /** Something to show until it is cleared. */
    export interface Message {
        /** Chosen by the component; the same key replaces. */
        key: string;
        severity: Severity;
        text: string;
        at?: Location | null;
    }
    /**
     * Shows messages.
     *
     * @throws {Error}
     */
    export function show(messages: Message[]): void;
    /**
     * Takes messages away by their keys; an empty list takes all.
     *
     * @throws {Error}
     */
    export function clear(keys: string[]): void;
    const all: { show: typeof show, clear: typeof clear };
    export default all;
}
declare module "loop:devserver/overlay@0.0.1" {
    export * from "loop:devserver/overlay";
    export { default } from "loop:devserver/overlay";
}
