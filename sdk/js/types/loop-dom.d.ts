/* loop:dom@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * Changing a document.
 *
 * Sketch. A component sees only the part of a document that the host gave
 * it, its root, and only elements that it made itself.
 *
 * Not there on purpose: markup as a string, script elements, event handler
 * attributes, `javascript:` addresses. Each would be code in the page with
 * the page's rights; asking is `denied`.
 */
declare module "loop:dom/document" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /**
     * Names an element or a text. 0 is the root; the others are chosen by
     * the component and may be used again after `remove`.
     */
    export type NodeId = number;
    /** A new element. `namespace` is empty for HTML, "svg" or "mathml". */
    export interface Create {
        node: NodeId;
        namespace: string;
        tag: string;
    }
    /** A text, new or changed. */
    export interface Text {
        node: NodeId;
        text: string;
    }
    /** Puts a node into a parent, before a sibling or, with none, at the end. */
    export interface Insert {
        node: NodeId;
        parent: NodeId;
        before?: NodeId | null;
    }
    /** Sets an attribute, or removes it with none. */
    export interface Attribute {
        node: NodeId;
        name: string;
        value?: string | null;
    }
    /** What the property of a form element may hold. */
    export type PropertyValue =
        | { tag: "text"; val: string }
        | { tag: "flag"; val: boolean }
        | { tag: "number"; val: number };
    /** Sets a property that is not an attribute: the `value` of a field. */
    export interface Property {
        node: NodeId;
        name: string;
        value: PropertyValue;
    }
    /** Listens to an event by its name, "click"; or stops. */
    export interface Listen {
        node: NodeId;
        event: string;
        on: boolean;
        /**
         * Keeps the page from doing what it does by itself, such as
         * following a link; the answer cannot wait for the component.
         */
        preventDefault: boolean;
        stopPropagation: boolean;
    }
    /** One change. */
    export type Change =
        | { tag: "create"; val: Create }
        | { tag: "text"; val: Text }
        | { tag: "insert"; val: Insert }
        | { tag: "attribute"; val: Attribute }
        | { tag: "property"; val: Property }
        | { tag: "listen"; val: Listen }
        /** Removes a node and everything below it, and frees their numbers. */
        | { tag: "remove"; val: NodeId }
        | { tag: "focus"; val: NodeId };
    /** A box on the page, in CSS pixels of the window. */
    export interface Box {
        x: number;
        y: number;
        width: number;
        height: number;
    }
    /**
     * Makes changes, in order. At the first that is wrong it stops with
     * `invalid`, and the document is as it was before the call.
     *
     * @throws {Error}
     */
    export function apply(changes: Change[]): void;
    /**
     * Where nodes lie; none for those that are not shown. Makes the browser
     * lay out: ask for all at once, after all changes.
     *
     * @throws {Error}
     */
    export function boxes(nodes: NodeId[]): Array<Box | null>;
    const all: { apply: typeof apply, boxes: typeof boxes };
    export default all;
}
declare module "loop:dom/document@0.0.1" {
    export * from "loop:dom/document";
    export { default } from "loop:dom/document";
}

/**
 * What happens in the document. Exported by the component.
 *
 * Sketch. Called by the host.
 */
declare module "loop:dom/document-events" {
    import type { Next } from "loop:core/app";
    import type { NodeId } from "loop:dom/document";
    export type { Next };
    export type { NodeId };
    /** What was held down. */
    export interface Modifiers {
        shift?: boolean;
        control?: boolean;
        alt?: boolean;
        meta?: boolean;
    }
    /** What an event carries, by its kind. */
    export type Detail =
        | { tag: "none" }
        /** Place in the element, and the button that changed. */
        | { tag: "pointer"; val: [number, number, number] }
        /** The `key` and the `code` of UI Events. */
        | { tag: "key"; val: [string, string] }
        /** The value of a field, and whether it is checked. */
        | { tag: "value"; val: [string, boolean] }
        | { tag: "scroll"; val: [number, number] };
    /** One event. */
    export interface Event {
        /**
         * Where it was listened to, and where it happened, if that is a node
         * of the component.
         */
        node: NodeId;
        target?: NodeId | null;
        name: string;
        /** Milliseconds since `loop:core/app.start`. */
        time: number;
        modifiers: Modifiers;
        detail: Detail;
    }
    /**
     * Takes events, oldest first, and says when to be called next.
     *
     * @throws {string}
     */
    export function handle(events: Event[]): Next;
    const all: { handle: typeof handle };
    export default all;
}
declare module "loop:dom/document-events@0.0.1" {
    export * from "loop:dom/document-events";
    export { default } from "loop:dom/document-events";
}
