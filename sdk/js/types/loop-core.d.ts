/* loop:core@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * The entry point of anything that lives longer than a command.
 *
 * Settled in shape. The host owns the loop: it calls, the component returns
 * soon and says when it wants to be called again. Nothing blocks: on a
 * browser's main thread it could not.
 *
 * Windows, processors of graphics and others bring events of their own, in an
 * interface of their package that the component exports beside this one. The
 * host calls those first, then `event`, and the soonest `next` counts.
 */
declare module "loop:core/app" {
    /** When to call next. Events are delivered whatever was answered. */
    export type Next =
        /** Only when an event arrives. */
        | { tag: "wait" }
        /**
         * After so many milliseconds, as the event `timer`, unless an event
         * comes first.
         */
        | { tag: "timer"; val: number }
        /** `frame`, in step with the display or 60 times a second without one. */
        | { tag: "frame" }
        /**
         * The work is done: `stop` follows, then the host exits with this
         * status.
         */
        | { tag: "exit"; val: number };
    /** What happened. */
    export type AppEvent =
        /** The time asked for with `next.timer` has passed. */
        | { tag: "timer" }
        /**
         * Cancellation was requested; `stop` follows after the grace period,
         * or as soon as the component answers `exit`.
         */
        | { tag: "cancelled" }
        /**
         * What serves one or more of the imports was swapped. Calls work as
         * before; whoever keeps something of its own about it, such as what
         * `capabilities` said, asks again. Several swaps may come as one.
         */
        | { tag: "capabilities-changed" };
    /**
     * Called once, before anything else; not on a component that takes the
     * place of another one with its state (`reload`). An error ends the
     * component; the host prints it and exits with status 1.
     *
     * @throws {string}
     */
    export function start(args: string[]): Next;
    /**
     * Called with everything that happened since the last call, oldest first.
     *
     * @throws {string}
     */
    export function event(events: AppEvent[]): Next;
    /**
     * Draw one frame. `time` is in milliseconds since `start`.
     *
     * @throws {string}
     */
    export function frame(time: number): Next;
    /**
     * The last call, but not of a component that gives its state to another
     * one (`reload`). What must be kept is written here.
     */
    export function stop(): void;
    const all: { start: typeof start, event: typeof event, frame: typeof frame, stop: typeof stop };
    export default all;
}
declare module "loop:core/app@0.1.0" {
    export * from "loop:core/app";
    export { default } from "loop:core/app";
}

/**
 * Cooperative cancellation.
 *
 * Settled. The host asks first (Ctrl-C, a stop, a deadline that nears) and
 * stops the component by force after a grace period.
 */
declare module "loop:core/cancellation" {
    import type { Pollable } from "wasi:io/poll";
    export type { Pollable };
    /** Why the host wants the component to end. */
    export type Reason =
        /** A person asked, for example with Ctrl-C. */
        | "interrupted"
        /** The time that was granted is about to be used up. */
        | "deadline"
        /** The host stops or replaces the component. */
        | "stopped";
    /** A view of one cancellation. Tokens are cheap; drop them at will. */
    export class Token {
        private constructor();
        /** Whether cancellation was requested. Cheap: ask in every loop. */
        isCancelled(): boolean;
        /** Why, once it was. */
        reason(): Reason | null;
        /**
         * Milliseconds left until the host stops the component by force;
         * none while nobody asked.
         */
        remaining(): number | null;
        /**
         * Ready once cancellation was requested; wait for it beside timers
         * and streams in `wasi:io/poll.poll`. Nothing here blocks.
         */
        subscribe(): Pollable;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /** The token of the running instance. */
    export function current(): Token;
    const all: { current: typeof current };
    export default all;
}
declare module "loop:core/cancellation@0.1.0" {
    export * from "loop:core/cancellation";
    export { default } from "loop:core/cancellation";
}

/**
 * Which of my imports are there?
 *
 * Settled but for `tier`, which may gain cases. Reports only the caller's own
 * imports: a component learns nothing about its neighbours.
 */
declare module "loop:core/capabilities" {
    /** Who serves an import. */
    export type Tier =
        /** The engine itself (WASI). */
        | "engine"
        /** A provider linked into the host. */
        | "builtin"
        /** A provider loaded as a shared library. */
        | "library"
        /** A provider in a process of its own. */
        | "sidecar"
        /** Another component. */
        | "component"
        /** Nobody: every function answers `unavailable` or `denied`. */
        | "stub";
    /** One import of the caller. */
    export interface Capability {
        /** As the component imports it: "loop:ui/surface@0.1.0". */
        name: string;
        /** The version that serves it: "0.1.0"; empty for a stub. */
        version: string;
        /** Whether calls reach somebody. */
        available: boolean;
        tier: Tier;
        /** The provider's name: "stderr", "engine". */
        provider: string;
        /** Why not, where it is not available. */
        reason?: string | null;
    }
    /** All imports, in the order of the component's own list. */
    export function list(): Capability[];
    /** One import, by its name with or without its version. */
    export function query(name: string): Capability | null;
    /**
     * How often what serves the caller's imports was swapped: another number
     * than before says that `%list` may say something else now. An application
     * hears of it as the event `capabilities-changed`, too.
     */
    export function changes(): number;
    const all: { list: typeof list, query: typeof query, changes: typeof changes };
    export default all;
}
declare module "loop:core/capabilities@0.1.0" {
    export * from "loop:core/capabilities";
    export { default } from "loop:core/capabilities";
}

/**
 * Structured log entries.
 *
 * Settled. Never blocks, never fails: an entry over a limit is shortened, an
 * entry over the rate is counted and reported by the host.
 */
declare module "loop:core/logging" {
    /** How much an entry matters, the least first. */
    export type Level =
        | "trace"
        | "debug"
        | "info"
        | "warn"
        | "error";
    /** What a field may hold. Numbers stay numbers in JSON. */
    export type FieldValue =
        | { tag: "text"; val: string }
        | { tag: "integer"; val: number }
        | { tag: "float"; val: number }
        | { tag: "boolean"; val: boolean };
    /** One structured field of an entry. */
    export interface Field {
        name: string;
        value: FieldValue;
    }
    /**
     * Writes one entry. `target` names the part of the component that speaks
     * ("" for none); the host adds the component's name and the time.
     */
    export function log(level: Level, target: string, message: string, fields: Field[]): void;
    /**
     * Whether an entry of this level would be kept: ask before building a
     * costly message.
     */
    export function enabled(level: Level): boolean;
    const all: { log: typeof log, enabled: typeof enabled };
    export default all;
}
declare module "loop:core/logging@0.1.0" {
    export * from "loop:core/logging";
    export { default } from "loop:core/logging";
}

/**
 * State that survives when the component is replaced by another one, or by
 * the same one built again.
 *
 * Settled. Any component may export this: an application (world `reloadable`)
 * or one whose functions a host calls. Where both components do, the host calls,
 * between two calls from outside, on the thread of the instance and within one
 * deadline (5 seconds, unless the operator says otherwise):
 *
 * 1. the new component's start, as for any component;
 * 2. `save` on the old one, the last call that it gets;
 * 3. `restore` on the new one, in the place of `app.start`.
 *
 * Calls from outside wait meanwhile; none is lost. An application is called
 * next when the old one asked to be. If anything fails, the new component goes
 * and the old one goes on as if nothing had been, so `save` changes nothing
 * that it needs. One that traps in `save`, or does not come back from it, has
 * ended: so keep it simple.
 *
 * Only the state is carried. Handles of resources that the old component held
 * are dropped, and the new one asks for its own; those of its resources that
 * others hold are refused from then on. Files, arguments, grants and what
 * providers store stay as they are.
 *
 * A component that does not export this starts again from nothing, and the
 * operator is told so before it happens.
 */
declare module "loop:core/reload" {
    /**
     * A state as bytes, with the name and version of its format. Both belong
     * to the author: `restore` reads what older versions of the component
     * wrote, and refuses what it does not know.
     */
    export interface State {
        /** "acme:notes/list"; at most 256 bytes. */
        format: string;
        version: number;
        /** At most 64 MiB. */
        bytes: Uint8Array;
    }
    /**
     * What the next component needs. An error says why this one cannot be
     * replaced now; it goes on then.
     *
     * @throws {string}
     */
    export function save(): State;
    /**
     * Called on the new component before any other call. An error says what
     * it cannot read: the old component goes on then.
     *
     * @throws {string}
     */
    export function restore(state: State): void;
    const all: { save: typeof save, restore: typeof restore };
    export default all;
}
declare module "loop:core/reload@0.1.0" {
    export * from "loop:core/reload";
    export { default } from "loop:core/reload";
}

/**
 * Types that every loop:* package shares.
 *
 * Settled: the two cases `unavailable` and `denied` stay as they are; more
 * cases may be added before 1.0.
 */
declare module "loop:core/types" {
    /**
     * Why a function of a gateable interface did not do its work. It is a
     * value, never a trap: a component may be offered less than it asked for
     * and is expected to go on.
     */
    export type Error =
        /**
         * Nobody serves this function here: no provider, no display, an
         * optional import that was left out. The text says which, for a log.
         */
        | { tag: "unavailable"; val: string }
        /**
         * Somebody serves it, but this component may not. The text names the
         * grant that would change it.
         */
        | { tag: "denied"; val: string }
        /** The arguments are out of range or do not fit together. */
        | { tag: "invalid"; val: string }
        /** A named limit was reached. The text names it. */
        | { tag: "limit"; val: string }
        /** The call was cancelled, or its deadline passed. */
        | { tag: "cancelled" }
        /** The provider failed. The text is for a log, not for a decision. */
        | { tag: "failed"; val: string };
}
declare module "loop:core/types@0.1.0" {
    export * from "loop:core/types";
}
