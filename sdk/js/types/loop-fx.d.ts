/* loop:fx@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * Running functions, the component's side.
 *
 * Draft. Called by the host, once for everything that a turn needs of this component
 * at one depth of the tree. Nothing here waits: a function that needs a file
 * or an answer starts an effect, and the effect changes a cell when it is
 * done. What these functions ask of `runtime` is acted on in the next turn.
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
        /** What was gathered has changed. */
        gathered?: boolean;
        /** Its component was replaced. Its cells are those of the one before. */
        swapped?: boolean;
    }
    /** A state cell of the fiber, in the order of their creation. */
    export interface Cell {
        value: TypedBytes;
        /** Counts its changes. */
        revision: number;
    }
    /**
     * A context that fibers of this function have read, with its present
     * value for this fiber.
     */
    export interface Context {
        /** A row of `names`. */
        name: Index;
        /** A span of `bytes`; none if nobody above provides it. */
        value?: Span | null;
    }
    /**
     * That a job is the second half of a function that gathers: a fiber of
     * its own, with cells of its own.
     */
    export interface Continuation {
        /** The slot of the gather. */
        slot: number;
        /** The fiber that returned the gather. */
        owner: FiberId;
        /** A span of `values`: all that was yielded, in the order of the tree. */
        values: Span;
    }
    /** One fiber that must run. */
    export interface Job {
        fiber: FiberId;
        /** Why: at least one. */
        reason: Reason;
        /** A row of `names`. */
        function: Index;
        /** A span of `bytes`. */
        properties: Span;
        /** A span of `callbacks`. */
        callbacks: Span;
        /** A span of `cells`. */
        cells: Span;
        /** A span of `contexts`. */
        contexts: Span;
        gathered?: Continuation | null;
    }
    /** Everything that must run now. The spans in a job are of these lists. */
    export interface Batch {
        jobs: Job[];
        names: string[];
        cells: Cell[];
        contexts: Context[];
        callbacks: Callback[];
        values: TypedBytes[];
        bytes: Uint8Array;
    }
    /** An effect that a fiber asks for, by its number in the fiber. */
    export interface Effect {
        slot: number;
        /**
         * A span of `tree.bytes`. It is cleaned up and started again when
         * these differ from the last time. An effect that is not returned
         * any more is cleaned up.
         */
        dependsOn: Span;
    }
    /** What a function returned. */
    export interface Output {
        /**
         * The element that the fiber's children are made from: a row of
         * `tree.elements`. None leaves no children.
         */
        root?: Index | null;
        /**
         * A span of `answer.new-cells`: created by this job, after those
         * that were there.
         */
        newCells: Span;
        /**
         * A span of `answer.reads`: rows of `tree.names`, the contexts that
         * it read, all of them. It runs again when one changes, and at once
         * when it was not handed one: then nothing else of this output
         * counts.
         */
        reads: Span;
        /** A span of `answer.effects`: all that it wants now. */
        effects: Span;
        /** A span of `answer.yields`: values for whoever gathers above. */
        yields: Span;
    }
    /** What one job came to. */
    export type Outcome =
        | { tag: "done"; val: Output }
        /** Why: the nearest boundary above contains it. */
        | { tag: "failed"; val: string }
        /**
         * Only of a job that is `swapped`: it can make nothing of the cells
         * and is mounted anew, without them.
         */
        | { tag: "refused" };
    /**
     * The answer to a batch: for each job, in its order, an outcome. Names
     * and bytes are those of `tree`.
     */
    export interface Answer {
        outcomes: Outcome[];
        tree: Table;
        newCells: TypedBytes[];
        reads: Index[];
        effects: Effect[];
        yields: TypedBytes[];
    }
    /**
     * An effect to start or to clean up. Every start is followed by exactly
     * one clean-up, as long as the component is there.
     */
    export interface EffectCall {
        fiber: FiberId;
        /** A row of `names`: the fiber's function. */
        function: Index;
        slot: number;
        start: boolean;
    }
    /** A callback that somebody called. */
    export interface CallbackCall {
        to: Callback;
        /** A row of `names`: the fiber's function. */
        function: Index;
        /**
         * A span of `cells`: the fiber's, as they are before all of these
         * calls.
         */
        cells: Span;
        /** A span of `bytes`: what the caller says. */
        bytes: Span;
    }
    /** Callbacks that were called. The spans in a call are of these lists. */
    export interface CallbackBatch {
        calls: CallbackCall[];
        names: string[];
        cells: Cell[];
        bytes: Uint8Array;
    }
    /**
     * Runs fibers. A function of what it is told: the host may call it again
     * with the same jobs, and forget an answer.
     */
    export function run(batch: Batch): Answer;
    /**
     * Starts and cleans up effects after a turn, clean-ups first, children
     * before parents.
     */
    export function effects(names: string[], calls: EffectCall[]): void;
    /** Delivers callbacks, oldest first, before a turn. */
    export function call(batch: CallbackBatch): void;
    const all: { run: typeof run, effects: typeof effects, call: typeof call };
    export default all;
}
declare module "loop:fx/fibers@0.1.0" {
    export * from "loop:fx/fibers";
    export { default } from "loop:fx/fibers";
}

/**
 * Graphs that are declared: sources, nodes derived from them, sinks.
 *
 * Draft. On the same runtime as fibers; for spreadsheets, dataflow, and rules that
 * have no tree.
 */
declare module "loop:fx/graph" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /**
     * Names a node; chosen by the component, each of which has a graph of its
     * own.
     */
    export type NodeId = number;
    /** When a sink runs. */
    export type Schedule =
        /** At the end of each turn in which an input changed. */
        | { tag: "change" }
        /** At most once a frame, and only if an input changed. */
        | { tag: "frame" }
        /**
         * Every so many milliseconds, whether anything changed or not; 0 is
         * `invalid`.
         */
        | { tag: "timer"; val: number };
    /** What a node is. */
    export type Kind =
        /** Holds what `set` gives it; nothing at first. */
        | { tag: "source" }
        /**
         * Computed from its inputs when one changed and a sink needs it.
         * An equal result ends the change there.
         */
        | { tag: "derived" }
        /** Told about its inputs. Nobody's input. */
        | { tag: "sink"; val: Schedule };
    /** A node. Its function runs in the exported `graph-functions`. */
    export interface Node {
        id: NodeId;
        kind: Kind;
        /** The number that `graph-functions.compute` gets; 0 for a source. */
        function: number;
        /**
         * The nodes it is computed from; none for a source. A cycle is
         * `invalid`.
         */
        inputs: NodeId[];
    }
    /** A new value of a source. */
    export interface Assignment {
        node: NodeId;
        value: Uint8Array;
    }
    /**
     * Adds nodes and replaces those whose id is in use. All or none. The
     * graph goes with the component; one that is put in its place finds it,
     * with the values of its sources.
     *
     * @throws {Error}
     */
    export function declare(nodes: Node[]): void;
    /**
     * Removes nodes. One that others still need is `invalid`. All or none.
     *
     * @throws {Error}
     */
    export function remove(nodes: NodeId[]): void;
    /**
     * Gives sources new values. What depends on them runs in the next turn.
     * All or none.
     *
     * @throws {Error}
     */
    export function set(values: Assignment[]): void;
    const all: { declare: typeof declare, remove: typeof remove, set: typeof set };
    export default all;
}
declare module "loop:fx/graph@0.1.0" {
    export * from "loop:fx/graph";
    export { default } from "loop:fx/graph";
}

/**
 * The functions of a graph's nodes, the component's side.
 *
 * Draft. Called by the host with all nodes that are due at one height.
 */
declare module "loop:fx/graph-functions" {
    import type { NodeId } from "loop:fx/graph";
    export type { NodeId };
    /** A stretch of `work.bytes`. */
    export interface Stretch {
        first: number;
        count: number;
    }
    /** A node that is due. */
    export interface Due {
        node: NodeId;
        function: number;
        /** Rows of `work.inputs`, in the order of the node's inputs. */
        inputs: Stretch;
    }
    /** Nodes to compute. */
    export interface Work {
        due: Due[];
        /** Values of inputs; none for one that failed or has no value yet. */
        inputs: Array<Stretch | null>;
        bytes: Uint8Array;
    }
    /**
     * Computes nodes. For each, in its order, its value or why it failed; a
     * sink answers with an empty list. A function of what it is told.
     */
    export function compute(work: Work): Array<{ tag: "ok"; val: Uint8Array } | { tag: "err"; val: string }>;
    const all: { compute: typeof compute };
    export default all;
}
declare module "loop:fx/graph-functions@0.1.0" {
    export * from "loop:fx/graph-functions";
    export { default } from "loop:fx/graph-functions";
}

/**
 * Talking to the runtime, the host's side.
 *
 * Draft. Everything here is written down and acted on in the next turn, in the
 * order in which it was asked for. A turn begins when the component's call
 * is over in which it was asked for.
 */
declare module "loop:fx/runtime" {
    import type { Error } from "loop:core/types";
    import type { Callback, FiberId, Index, Table } from "loop:fx/types";
    export type { Error };
    export type { FiberId };
    export type { Callback };
    export type { Table };
    export type { Index };
    /** A new value of a state cell. The fiber runs again if it differs. */
    export interface CellWrite {
        fiber: FiberId;
        /** The cell, counted from 0 in the order of creation. */
        cell: number;
        typeName: string;
        typeVersion: number;
        bytes: Uint8Array;
    }
    /** A call of a fiber's callback. */
    export interface Message {
        to: Callback;
        bytes: Uint8Array;
    }
    /** How far a tree has come. */
    export type Phase =
        /** Everything has run and nothing is waiting. */
        | { tag: "idle" }
        /** So many fibers are waiting. */
        | { tag: "busy"; val: number }
        /**
         * A failure that nobody contained ended the tree; the next `update`
         * begins anew.
         */
        | { tag: "failed"; val: string };
    /** One row of what `inspect` shows. */
    export interface FiberInfo {
        fiber: FiberId;
        /** The row of the parent in the same list; none for the root. */
        parent?: Index | null;
        /** "call", "group" and so on. */
        role: string;
        component: string;
        function: string;
        key: string;
        /**
         * How often it ran, and in microseconds how long the last time (of
         * its batch, a share).
         */
        runs: number;
        lastMicroseconds: number;
        /** Why it last ran: "mounted", "state, context". */
        because: string;
    }
    /**
     * A tree. Dropping it unmounts everything: cancellation goes down, and
     * clean-ups come up.
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
     * Makes a tree of the element in the first row. Its name is what a quote
     * places into; "" for one that nobody may place into. A component that
     * was put in the place of another one takes over its tree by mounting
     * under the same name; fibers that match keep their state.
     *
     * @throws {Error}
     */
    export function mount(name: string, tree: Table): Root;
    /**
     * Changes state cells of the component's own fibers. All of them or, with
     * `invalid`, none.
     *
     * @throws {Error}
     */
    export function write(cells: CellWrite[]): void;
    /**
     * Calls callbacks: the component's own, and those that it was handed.
     * All of them or, with `invalid`, none.
     *
     * @throws {Error}
     */
    export function send(messages: Message[]): void;
    /**
     * Cancels fibers of the component's own and all below them, as if their
     * parents had not returned them.
     *
     * @throws {Error}
     */
    export function cancel(fibers: FiberId[]): void;
    const all: { mount: typeof mount, write: typeof write, send: typeof send, cancel: typeof cancel };
    export default all;
}
declare module "loop:fx/runtime@0.1.0" {
    export * from "loop:fx/runtime";
    export { default } from "loop:fx/runtime";
}

/**
 * The tables that cross the boundary.
 *
 * Draft. Types in WIT cannot contain themselves, so a tree is a table: its rows
 * refer to each other by number. An `index` counts rows of a list of the
 * same message, from 0; a `span` is a stretch of them. Rows hold no texts of
 * their own, so that ten thousand of them cross the boundary as one block.
 */
declare module "loop:fx/types" {
    /**
     * Names a fiber. Never used for another one. A component may write,
     * cancel and offer callbacks of fibers of its own functions alone.
     */
    export type FiberId = number;
    /** A row of a list in the same message. */
    export type Index = number;
    /** Rows `first` to `first + count - 1`. */
    export interface Span {
        first: Index;
        count: number;
    }
    /**
     * A function of a fiber that others may call: the `slot`-th it offers.
     * It stays good while its fiber lives and always means the newest one;
     * called later it reaches nobody. A component may call and pass on its
     * own, and those that it was handed.
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
        /** A row of the message's `names`. */
        typeName: Index;
        typeVersion: number;
        /** A span of the message's `bytes`. */
        bytes: Span;
    }
    /** What an element does. */
    export type Role =
        /** Runs `function` of `component`. Has no child elements. */
        | { tag: "call" }
        /** Only holds children. */
        | { tag: "group" }
        /**
         * Gives what is below a context: `function` is its name,
         * `properties` its value.
         */
        | { tag: "provide" }
        /**
         * Places the children in another root, which is named by `function`:
         * an application's scene in the renderer's tree. They vanish with
         * this element.
         */
        | { tag: "quote" }
        /** Inside a quote: places the children where the quote stands. */
        | { tag: "unquote" }
        /**
         * When a fiber below fails, the child in this row, a call, stands
         * instead of the others. It may read why as the context
         * "loop:fx/failure".
         */
        | { tag: "boundary"; val: Index }
        /**
         * Collects what the fibers below yield. The function that returned
         * this element then goes on with the values, at this slot.
         */
        | { tag: "gather"; val: number }
        /** A scope of its own: a failure below ends here. */
        | { tag: "detach" }
        /** Where in this root stands what others quote into it. */
        | { tag: "outlet" };
    /**
     * A node of the tree that a function returns. Elements are plain data:
     * they can be kept, compared and sent to another component, so they hold
     * no handles.
     */
    export interface Element {
        role: Role;
        /**
         * A row of `names`: whose function. None: the component's own. Others
         * are components that this one was granted to mount (`fx.NAME` among
         * its needs) or has loaded; they run with their own grants.
         */
        component?: Index | null;
        /** A row of `names`; not looked at where the role has none. */
        function: Index;
        /**
         * A span of `bytes`. Keeps a fiber and its state when siblings move;
         * an empty one goes by position. Two equal ones among the children
         * of one parent are an error.
         */
        key: Span;
        /**
         * A span of `bytes`. What they mean is between the two functions.
         * Equal bytes are equal properties.
         */
        properties: Span;
        /** A span of `callbacks`, which `properties` refer to by number. */
        callbacks: Span;
        /** A span of `children`. */
        children: Span;
    }
    /**
     * Elements, flat. Each `children` span names rows of `children`, whose
     * numbers are rows of `elements`, always after the row that names them,
     * and none twice: a table is a forest.
     */
    export interface Table {
        names: string[];
        elements: Element[];
        children: Index[];
        callbacks: Callback[];
        bytes: Uint8Array;
    }
}
declare module "loop:fx/types@0.1.0" {
    export * from "loop:fx/types";
}
