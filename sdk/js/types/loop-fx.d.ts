/* loop:fx@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * Running functions, the component's side.
 *
 * Sketch.
 *
 * Called by the host, once for everything that a turn needs at one depth of
 * the tree. Nothing here waits: a function that needs a file or an answer starts
 * an effect, and the effect changes a cell when it is done.
 */
declare module "loop:fx/fibers" {
    import type { Callback, FiberId, Index, Span, Table, TypedBytes } from "loop:fx/types";
    export type { FiberId };
    export type { Index };
    export type { Span };
    export type { Callback };
    export type { TypedBytes };
    export type { Table };
    /** Why a fiber runs. */
    export interface Reason {
        mounted?: boolean;
        properties?: boolean;
        state?: boolean;
        context?: boolean;
        /** What it gathered has changed; `job.gathered` holds all of it. */
        gathered?: boolean;
        /** Its component was replaced. */
        swapped?: boolean;
    }
    /** A state cell of the fiber, in the order of their creation. */
    export interface Cell {
        value: TypedBytes;
        /** Counts its changes. */
        revision: number;
    }
    /** A context that the fiber read the last time, with its present value. */
    export interface Context {
        name: string;
        /** A span of `batch.bytes`; none if nobody above provides it. */
        value?: Span | null;
    }
    /** One fiber that must run. */
    export interface Job {
        fiber: FiberId;
        /** Why; none of the flags never happens. */
        reason: Reason;
        function: string;
        /** A span of `batch.bytes`. */
        properties: Span;
        /** A span of `batch.callbacks`. */
        callbacks: Span;
        /** A span of `batch.cells`. */
        cells: Span;
        /** A span of `batch.contexts`. */
        contexts: Span;
        /**
         * The slot to continue at and a span of `batch.values`, when this is
         * the second half of a function that gathers.
         */
        gathered?: [number, Span] | null;
    }
    /**
     * Everything that must run now. The rows of each list are referred to by
     * the spans in `jobs`.
     */
    export interface Batch {
        jobs: Job[];
        cells: Cell[];
        contexts: Context[];
        callbacks: Callback[];
        /** What was yielded, in the order of the tree. */
        values: TypedBytes[];
        bytes: Uint8Array;
    }
    /** An effect that a fiber asks for, by its number in the fiber. */
    export interface Effect {
        slot: number;
        /**
         * It is cleaned up and run again when these differ from the last
         * time. An effect that is not returned any more is cleaned up.
         */
        dependsOn: Uint8Array;
    }
    /** What one job came to. */
    export interface Output {
        /**
         * The element that the fiber's children are made from: a row of
         * `answer.tree.elements`. None leaves no children.
         */
        root?: Index | null;
        /**
         * A span of `answer.new-cells`: created by this job, after those
         * that were there.
         */
        newCells: Span;
        /**
         * A span of `answer.reads`: names of the contexts that it read, all
         * of them. It runs again when one changes.
         */
        reads: Span;
        /** A span of `answer.effects`: all that it wants now. */
        effects: Span;
        /** A span of `answer.yields`: values for whoever gathers above. */
        yields: Span;
    }
    /**
     * The answer to a batch: for each job, in its order, an output or why it
     * failed. The boundary above contains a failure.
     */
    export interface Answer {
        outputs: Array<{ tag: "ok"; val: Output } | { tag: "err"; val: string }>;
        tree: Table;
        newCells: TypedBytes[];
        reads: string[];
        effects: Effect[];
        yields: TypedBytes[];
    }
    /**
     * An effect to start or to clean up. Every start is followed by exactly
     * one clean-up, also when the component is stopped.
     */
    export interface EffectCall {
        fiber: FiberId;
        slot: number;
        start: boolean;
    }
    /** A callback that somebody called. */
    export interface CallbackCall {
        to: Callback;
        bytes: Uint8Array;
    }
    /** Runs fibers. */
    export function run(batch: Batch): Answer;
    /**
     * Starts and cleans up effects after a turn, clean-ups first, children
     * before parents.
     */
    export function effects(calls: EffectCall[]): void;
    /**
     * Delivers callbacks, oldest first. What they change is run in the turn
     * that follows.
     */
    export function call(calls: CallbackCall[]): void;
    const all: { run: typeof run, effects: typeof effects, call: typeof call };
    export default all;
}
declare module "loop:fx/fibers@0.0.1" {
    export * from "loop:fx/fibers";
    export { default } from "loop:fx/fibers";
}

/**
 * Graphs that are declared: sources, nodes derived from them, sinks.
 *
 * Sketch. On the same runtime as fibers; for spreadsheets, dataflow, and
 * rules that have no tree.
 */
declare module "loop:fx/graph" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /** Names a node of a graph; chosen by the component. */
    export type NodeId = number;
    /** When a sink runs. */
    export type Schedule =
        /** At the end of each turn in which an input changed. */
        | { tag: "change" }
        /** At most once a frame, and only if an input changed. */
        | { tag: "frame" }
        /** Every so many milliseconds, whether anything changed or not. */
        | { tag: "timer"; val: number };
    /** What a node is. */
    export type Kind =
        /** Holds what `set` gives it. */
        | { tag: "source" }
        /**
         * Computed from its inputs when one changed and somebody needs it.
         * An equal result ends the change there.
         */
        | { tag: "derived" }
        /** Told about its inputs. */
        | { tag: "sink"; val: Schedule };
    /** A node. Its function runs in the exported `graph-functions`. */
    export interface Node {
        id: NodeId;
        kind: Kind;
        /** The number that `graph-functions.compute` gets; 0 for a source. */
        function: number;
        /** The nodes it is computed from. A cycle is `invalid`. */
        inputs: NodeId[];
    }
    /** A new value of a source. */
    export interface Assignment {
        node: NodeId;
        value: Uint8Array;
    }
    /**
     * Adds nodes and replaces those whose id is in use. All or none.
     *
     * @throws {Error}
     */
    export function declare(nodes: Node[]): void;
    /**
     * Removes nodes. One that others still need is `invalid`.
     *
     * @throws {Error}
     */
    export function remove(nodes: NodeId[]): void;
    /**
     * Gives sources new values. What depends on them runs in the next turn.
     *
     * @throws {Error}
     */
    export function set(values: Assignment[]): void;
    const all: { declare: typeof declare, remove: typeof remove, set: typeof set };
    export default all;
}
declare module "loop:fx/graph@0.0.1" {
    export * from "loop:fx/graph";
    export { default } from "loop:fx/graph";
}

/**
 * The functions of a graph's nodes, the component's side.
 *
 * Sketch. Called by the host with all nodes that are due at one height.
 */
declare module "loop:fx/graph-functions" {
    import type { NodeId } from "loop:fx/graph";
    export type { NodeId };
    /** A node that is due. */
    export interface Due {
        node: NodeId;
        function: number;
        /** In the order of the node's inputs; none for one that failed. */
        inputs: Array<Uint8Array | null>;
    }
    /**
     * Computes nodes. For each, in its order, its value or why it failed; a
     * sink answers with an empty list.
     */
    export function compute(due: Due[]): Array<{ tag: "ok"; val: Uint8Array } | { tag: "err"; val: string }>;
    const all: { compute: typeof compute };
    export default all;
}
declare module "loop:fx/graph-functions@0.0.1" {
    export * from "loop:fx/graph-functions";
    export { default } from "loop:fx/graph-functions";
}

/**
 * Talking to the runtime, the host's side.
 *
 * Sketch.
 *
 * Everything here is written down and acted on in the next turn, in the
 * order in which it was asked for.
 */
declare module "loop:fx/runtime" {
    import type { Error } from "loop:core/types";
    import type { Callback, FiberId, Index, Table, TypedBytes } from "loop:fx/types";
    export type { Error };
    export type { FiberId };
    export type { Callback };
    export type { TypedBytes };
    export type { Table };
    export type { Index };
    /** A new value of a state cell. The fiber runs again if it differs. */
    export interface CellWrite {
        fiber: FiberId;
        /** The cell, counted from 0 in the order of creation. */
        cell: number;
        value: TypedBytes;
    }
    /** A call of another fiber's callback. */
    export interface Message {
        to: Callback;
        bytes: Uint8Array;
    }
    /** How far a tree has come. */
    export type Phase =
        /** Everything has run and nothing is waiting. */
        | { tag: "idle" }
        /**
         * So many fibers are waiting; the turn goes on after the host's
         * other work.
         */
        | { tag: "busy"; val: number }
        /** A failure reached the root. */
        | { tag: "failed"; val: string };
    /** One row of what `inspect` shows. */
    export interface FiberInfo {
        fiber: FiberId;
        /** The row of the parent in the same list; none for the root. */
        parent?: Index | null;
        component: string;
        function: string;
        key: string;
        /** How often it ran, and in microseconds how long the last time. */
        runs: number;
        lastMicroseconds: number;
        /** Why it last ran, in words. */
        because: string;
    }
    /**
     * A tree. Dropping it unmounts everything: cancellation goes down, and
     * clean-ups run from the leaves up.
     */
    export class Root {
        private constructor();
        /**
         * Replaces what the tree should show by the element in the first row
         * of the table. What is equal is left alone.
         */
        update(tree: Table): void;
        /** How far it is. */
        phase(): Phase;
        /** The live tree, parents before children, at most `limit` rows. */
        inspect(limit: number): FiberInfo[];
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Makes a tree. Its name is what a quote mounts into; "" for one that
     * nobody may mount into.
     *
     * @throws {Error}
     */
    export function mount(name: string, tree: Table): Root;
    /**
     * Changes state cells. All of them or, with `invalid`, none.
     *
     * @throws {Error}
     */
    export function write(cells: CellWrite[]): void;
    /**
     * Calls callbacks of fibers, also of other components.
     *
     * @throws {Error}
     */
    export function send(messages: Message[]): void;
    /**
     * Cancels fibers and all below them, as if their parents had not
     * returned them.
     *
     * @throws {Error}
     */
    export function cancel(fibers: FiberId[]): void;
    const all: { mount: typeof mount, write: typeof write, send: typeof send, cancel: typeof cancel };
    export default all;
}
declare module "loop:fx/runtime@0.0.1" {
    export * from "loop:fx/runtime";
    export { default } from "loop:fx/runtime";
}

/**
 * The tables that cross the boundary.
 *
 * Sketch. Types in WIT cannot contain themselves, so a tree is a table: its
 * rows refer to each other by number. An `index` counts rows of a table of
 * the same message, from 0; a `span` is a stretch of them.
 */
declare module "loop:fx/types" {
    /**
     * Names a fiber to the component that owns its function. Never used
     * again while the component runs.
     */
    export type FiberId = number;
    /** A row of a table in the same message. */
    export type Index = number;
    /** Rows `first` to `first + count - 1`. */
    export interface Span {
        first: Index;
        count: number;
    }
    /**
     * A function of a fiber that others may call: the `slot`-th it created.
     * It stays good while its fiber lives and always means the newest one;
     * called later it answers nothing.
     */
    export interface Callback {
        fiber: FiberId;
        slot: number;
    }
    /**
     * Bytes with the name of their type and its version: what survives a
     * swap of the component. "acme:notes/draft", 3.
     */
    export interface TypedBytes {
        typeName: string;
        typeVersion: number;
        bytes: Uint8Array;
    }
    /** What an element does. */
    export type Role =
        /** Runs `function` of `component`. */
        | { tag: "call" }
        /** Only holds children. */
        | { tag: "group" }
        /**
         * Gives the children a context: `function` is its name, `properties`
         * its value.
         */
        | { tag: "provide" }
        /**
         * Mounts the children in another root, which is named by `function`:
         * an application's scene in the renderer's tree. They vanish with
         * this element.
         */
        | { tag: "quote" }
        /** Inside a quote: the children belong where the quote stands. */
        | { tag: "unquote" }
        /**
         * The nearest boundary above a fiber that fails shows the child that
         * is given here instead of the others.
         */
        | { tag: "boundary"; val: Index }
        /**
         * Collects what the fibers below yield; the fiber that returned this
         * element is then continued with the values, at this slot.
         */
        | { tag: "gather"; val: number }
        /**
         * The children are a scope of their own: they run on when their
         * siblings are cancelled, until this element goes.
         */
        | { tag: "detach" };
    /**
     * A node of the tree that a function returns. Elements are plain data:
     * they can be kept, compared and sent to another component, so they hold
     * no handles.
     */
    export interface Element {
        role: Role;
        /**
         * Whose function: "" for the component's own, else a name that it
         * imports or has loaded, which runs with its own grants.
         */
        component: string;
        function: string;
        /**
         * Keeps a fiber and its state when siblings move; "" goes by
         * position. Two equal keys under one parent are an error.
         */
        key: string;
        /**
         * A span of `table.bytes`. What they mean is between the two
         * functions. Equal bytes are equal properties.
         */
        properties: Span;
        /** A span of `table.callbacks`, which `properties` refer to by number. */
        callbacks: Span;
        /** A span of `table.children`. */
        children: Span;
    }
    /**
     * Elements, flat. Each `children` span names rows of `children`, whose
     * numbers are rows of `elements`, always after the row that names them:
     * a table has no cycles.
     */
    export interface Table {
        elements: Element[];
        children: Index[];
        callbacks: Callback[];
        bytes: Uint8Array;
    }
}
declare module "loop:fx/types@0.0.1" {
    export * from "loop:fx/types";
}
