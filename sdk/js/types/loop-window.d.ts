/* loop:window@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * The clipboard. A grant of its own: what a person has copied elsewhere is
 * none of a component's business until it is pasted.
 *
 * Draft.
 */
declare module "loop:window/clipboard" {
    import type { Error } from "loop:core/types";
    export type { Error };
    /** One form of what is offered, best first. */
    export interface Offer {
        /** "text/plain;charset=utf-8", "text/html", "image/png". */
        mediaType: string;
        bytes: Uint8Array;
    }
    /**
     * Offers something to paste, in as many forms as there are. Only after a
     * key or pointer event, else `denied`.
     *
     * @throws {Error}
     */
    export function put(offers: Offer[]): void;
    /**
     * Asks for what can be pasted, in the first of these forms that exists.
     * The answer comes as the event `pasted` with the same number; a person
     * may be asked first.
     *
     * @throws {Error}
     */
    export function ask(request: number, mediaTypes: string[]): void;
    const all: { put: typeof put, ask: typeof ask };
    export default all;
}
declare module "loop:window/clipboard@0.0.1" {
    export * from "loop:window/clipboard";
    export { default } from "loop:window/clipboard";
}

/**
 * What happens in windows. Exported by the component.
 *
 * Draft. Called by the host before `loop:core/app.event` of the same turn,
 * with everything since the last call, oldest first.
 *
 * Keys are named twice, with the strings of the W3C: `code` is the place on
 * the keyboard whatever is printed on it ("KeyQ", from UI Events code
 * values), `key` what it means in the person's layout ("a", "Enter", from UI
 * Events key values). They are strings because both lists grow.
 */
declare module "loop:window/events" {
    import type { Next } from "loop:core/app";
    import type { Point, Size, WindowId } from "loop:window/types";
    export type { Next };
    export type { WindowId };
    export type { Point };
    export type { Size };
    /** What was held down. */
    export interface Modifiers {
        shift?: boolean;
        control?: boolean;
        alt?: boolean;
        meta?: boolean;
        capsLock?: boolean;
        numLock?: boolean;
    }
    /** A key. */
    export interface Key {
        code: string;
        key: string;
        down: boolean;
        /** The system repeats a key that is held. */
        repeat: boolean;
        modifiers: Modifiers;
    }
    /** Text of an input method that is not yet decided. */
    export interface Composition {
        text: string;
        /** The part to mark, in bytes of `text`. */
        start: number;
        end: number;
    }
    /** What points. */
    export type PointerKind =
        | "mouse"
        | "touch"
        | "pen";
    /** What it does. */
    export type PointerPhase =
        | "enter"
        | "move"
        | "down"
        | "up"
        | "leave"
        | "cancel";
    /** Buttons of a mouse or pen. */
    export interface Buttons {
        primary?: boolean;
        secondary?: boolean;
        middle?: boolean;
        back?: boolean;
        forward?: boolean;
    }
    /** A pointer. Many a frame are usual, so the record is flat. */
    export interface Pointer {
        /** Tells fingers apart; 0 is the mouse. */
        pointerId: number;
        kind: PointerKind;
        phase: PointerPhase;
        at: Point;
        /** Since the last event; also while the pointer is locked. */
        moved: Point;
        /** Held down after this event. */
        buttons: Buttons;
        /** 0 to 1; 0.5 where a device cannot tell. */
        pressure: number;
        /** Degrees from upright, -90 to 90; 0 where a device cannot tell. */
        tilt: Point;
        modifiers: Modifiers;
    }
    /** A wheel or two fingers. */
    export interface Scroll {
        at: Point;
        /** In logical pixels; to the right and down are positive. */
        by: Point;
        /** Steps of a wheel rather than a smooth movement. */
        steps: boolean;
        modifiers: Modifiers;
    }
    /** How a window came to be. */
    export interface Configuration {
        size: Size;
        scale: number;
        focused: boolean;
        /** No pixel of it can be seen: drawing is a waste. */
        hidden: boolean;
        /** The person prefers light text on dark. */
        dark: boolean;
    }
    /**
     * An answer to `clipboard.ask`; bytes are none if there was nothing or
     * the person refused.
     */
    export interface Pasted {
        request: number;
        mediaType: string;
        bytes?: Uint8Array | null;
    }
    /** What happened. */
    export type What =
        /** The window was opened, or something of this has changed. */
        | { tag: "configured"; val: Configuration }
        /**
         * A person wants to close it. Nothing happens unless the component
         * closes it.
         */
        | { tag: "close-asked" }
        /** It is gone: closed by a command, or its screen went away. */
        | { tag: "closed" }
        | { tag: "key"; val: Key }
        /** Text that was written. */
        | { tag: "text"; val: string }
        | { tag: "composing"; val: Composition }
        | { tag: "pointer"; val: Pointer }
        | { tag: "scroll"; val: Scroll }
        | { tag: "pasted"; val: Pasted };
    /** One event. */
    export interface Event {
        window: WindowId;
        time: number;
        what: What;
    }
    /**
     * Takes events and says when to be called next.
     *
     * @throws {string}
     */
    export function handle(events: Event[]): Next;
    const all: { handle: typeof handle };
    export default all;
}
declare module "loop:window/events@0.0.1" {
    export * from "loop:window/events";
    export { default } from "loop:window/events";
}

/**
 * What commands and events share.
 *
 * Draft. Lengths and places are in logical pixels, from the upper left
 * corner of a window's content; `scale` says how many physical pixels one
 * logical pixel has. Times are in milliseconds since `loop:core/app.start`.
 */
declare module "loop:window/types" {
    /**
     * Names a window of this component. Chosen by it; may be used again once
     * the window was closed.
     */
    export type WindowId = number;
    /** A place. */
    export interface Point {
        x: number;
        y: number;
    }
    /** A size. Never negative. */
    export interface Size {
        width: number;
        height: number;
    }
    /** A rectangle. */
    export interface Rectangle {
        x: number;
        y: number;
        width: number;
        height: number;
    }
}
declare module "loop:window/types@0.0.1" {
    export * from "loop:window/types";
}

/**
 * Opening and changing windows.
 *
 * Draft.
 */
declare module "loop:window/windows" {
    import type { Error } from "loop:core/types";
    import type { Rectangle, Size, WindowId } from "loop:window/types";
    export type { Error };
    export type { WindowId };
    export type { Size };
    export type { Rectangle };
    /** How a window fills the screen. */
    export type Mode =
        | "normal"
        | "minimized"
        | "maximized"
        | "fullscreen";
    /** What the pointer looks like over a window. The names are those of CSS. */
    export type Cursor =
        | "default"
        | "none"
        | "context-menu"
        | "help"
        | "pointer"
        | "progress"
        | "wait"
        | "cell"
        | "crosshair"
        | "text"
        | "vertical-text"
        | "alias"
        | "copy"
        | "move"
        | "no-drop"
        | "not-allowed"
        | "grab"
        | "grabbing"
        | "all-scroll"
        | "col-resize"
        | "row-resize"
        | "n-resize"
        | "e-resize"
        | "s-resize"
        | "w-resize"
        | "ne-resize"
        | "nw-resize"
        | "se-resize"
        | "sw-resize"
        | "ew-resize"
        | "ns-resize"
        | "nesw-resize"
        | "nwse-resize"
        | "zoom-in"
        | "zoom-out";
    /** A window to open. */
    export interface Open {
        window: WindowId;
        title: string;
        /** A wish; the event `configured` says what it became. */
        size: Size;
        resizable: boolean;
        /** A window that this one stays in front of: a dialog. */
        parent?: WindowId | null;
        /**
         * Keeps place and size for the next time under this name; "" does
         * not.
         */
        rememberAs: string;
    }
    /** How small and how large a person may make a window; 0 does not limit. */
    export interface Limits {
        minimum: Size;
        maximum: Size;
    }
    /** What to change in a window. */
    export type Change =
        | { tag: "title"; val: string }
        | { tag: "size"; val: Size }
        | { tag: "limits"; val: Limits }
        | { tag: "mode"; val: Mode }
        | { tag: "visible"; val: boolean }
        | { tag: "cursor"; val: Cursor }
        /**
         * Whether a person writes text, and where: keyboards on screen and
         * input methods appear beside the rectangle. None ends it.
         */
        | { tag: "text-input"; val: Rectangle | null }
        /**
         * Hides the pointer and keeps it in the window; events tell its
         * movement. A person can always end it.
         */
        | { tag: "lock-pointer"; val: boolean }
        /** Asks for attention without taking the focus. */
        | { tag: "attention" }
        /** To the front, where the system allows it. */
        | { tag: "focus" }
        | { tag: "close" };
    /** A change of one window. */
    export interface Command {
        window: WindowId;
        change: Change;
    }
    /** A screen. */
    export interface Screen {
        name: string;
        /** In logical pixels of the desktop. */
        place: Rectangle;
        scale: number;
        /** Frames a second; 0 if unknown. */
        rate: number;
    }
    /**
     * Opens windows, then changes some, in order. A command that cannot be
     * done, such as a size on a tiling desktop, is left out; a window id
     * that is wrong makes the whole batch `invalid`. Opening needs a screen:
     * without one the answer is `unavailable`.
     *
     * @throws {Error}
     */
    export function submit(open: Open[], commands: Command[]): void;
    /**
     * The screens there are, the main one first.
     *
     * @throws {Error}
     */
    export function screens(): Screen[];
    const all: { submit: typeof submit, screens: typeof screens };
    export default all;
}
declare module "loop:window/windows@0.0.1" {
    export * from "loop:window/windows";
    export { default } from "loop:window/windows";
}
