/* loop:ui@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * Painting: a flat list of draw commands.
 *
 * Draft. One command is one of the kinds that Clay's layout emits; a host
 * that paints them needs to know nothing about layout.
 */
declare module "loop:ui/drawing" {
    import type { Color, Corners, Index, NodeId, PictureId, Sides, TextStyle } from "loop:ui/types";
    import type { Rectangle } from "loop:window/types";
    export type { Rectangle };
    export type { NodeId };
    export type { Index };
    export type { Color };
    export type { Corners };
    export type { Sides };
    export type { PictureId };
    export type { TextStyle };
    /** What to paint into a command's box. */
    export type Shape =
        /** A filled box. */
        | { tag: "box"; val: [Color, Corners] }
        /** Lines along the sides, inside the box. */
        | { tag: "border"; val: [Color, Sides, Corners] }
        /**
         * One line of text: a row of `picture.strings` and one of
         * `picture.text-styles`. Its box is as high as the line.
         */
        | { tag: "text"; val: [Index, Index] }
        /** A picture, tinted by a color; opaque white leaves it as it is. */
        | { tag: "picture"; val: [PictureId, Color, Corners] }
        /**
         * From here on nothing outside the box is painted, until the
         * `scissor-end` that belongs to it.
         */
        | { tag: "scissor-start" }
        | { tag: "scissor-end" }
        /** Left free for `loop:gfx`, which draws under this number. */
        | { tag: "canvas"; val: number };
    /** One draw command. They are painted in the order of the list. */
    export interface Command {
        place: Rectangle;
        shape: Shape;
        /** What a pointer has hit there; 0 for nothing. */
        id: NodeId;
    }
    /** A whole window's worth of commands with their tables. */
    export interface Painting {
        commands: Command[];
        strings: string[];
        textStyles: TextStyle[];
    }
}
declare module "loop:ui/drawing@0.0.1" {
    export * from "loop:ui/drawing";
}

/**
 * What happens to nodes. Exported by the component.
 *
 * Draft. Called by the host after `loop:window/events` of the same turn.
 */
declare module "loop:ui/layout-events" {
    import type { Next } from "loop:core/app";
    import type { NodeId } from "loop:ui/types";
    import type { Point, WindowId } from "loop:window/types";
    export type { Next };
    export type { WindowId };
    export type { Point };
    export type { NodeId };
    /** A text that a person has changed. */
    export interface Edited {
        text: string;
        /** The person is done: Enter, or the focus went elsewhere. */
        done: boolean;
    }
    /** What happened. */
    export type What =
        /** Pressed and let go, by pointer, key or screen reader. */
        | { tag: "pressed"; val: Point }
        | { tag: "hovered"; val: boolean }
        | { tag: "focused"; val: boolean }
        | { tag: "scrolled"; val: Point }
        /** Moved so far since the drag began; the last one comes with `true`. */
        | { tag: "dragged"; val: [Point, boolean] }
        | { tag: "edited"; val: Edited }
        /** A key with the node focused: the `key` of `loop:window/events`. */
        | { tag: "key"; val: string };
    /** One event. */
    export interface Event {
        window: WindowId;
        node: NodeId;
        time: number;
        what: What;
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
declare module "loop:ui/layout-events@0.0.1" {
    export * from "loop:ui/layout-events";
    export { default } from "loop:ui/layout-events";
}

/**
 * Boxes that the host lays out.
 *
 * Draft. The sizing is Clay's: fit, grow, percent, fixed; one pass down, no
 * constraint solver.
 */
declare module "loop:ui/layouts" {
    import type { Error } from "loop:core/types";
    import type { Color, Corners, Index, NodeId, PictureId, Sides, TextStyle } from "loop:ui/types";
    import type { Point, Rectangle, Size, WindowId } from "loop:window/types";
    export type { Error };
    export type { WindowId };
    export type { Rectangle };
    export type { Size };
    export type { Point };
    export type { NodeId };
    export type { Index };
    export type { Color };
    export type { Sides };
    export type { Corners };
    export type { PictureId };
    export type { TextStyle };
    /** The least and the most of a length. 0 as the most does not limit. */
    export interface Range {
        minimum: number;
        maximum: number;
    }
    /** How long a box is along one axis. */
    export type Sizing =
        /** As its content needs. */
        | { tag: "fit"; val: Range }
        /** Shares what is left with the other boxes that grow. */
        | { tag: "grow"; val: Range }
        /** A part of the parent's inner length, 0 to 1. */
        | { tag: "percent"; val: number }
        | { tag: "fixed"; val: number };
    /** In which direction children follow each other. */
    export type Direction =
        | "left-to-right"
        | "top-to-bottom";
    /** Where things lie in the room that is left. */
    export type Alignment =
        | "start"
        | "center"
        | "end";
    /** A place to attach to. */
    export type Anchor =
        | "left-top"
        | "left-center"
        | "left-bottom"
        | "center-top"
        | "center"
        | "center-bottom"
        | "right-top"
        | "right-center"
        | "right-bottom";
    /** A box that floats above its siblings: a menu, a hint. */
    export interface Floating {
        /** The node that it is attached to; 0 for its parent. */
        to: NodeId;
        /**
         * Where on this box, and where on the other one: the two points lie
         * on each other, moved
         * by `offset`.
         */
        selfAnchor: Anchor;
        otherAnchor: Anchor;
        offset: Point;
        /** Above everything with a lower number. */
        layer: number;
    }
    /** Along which axes what does not fit is cut off, and can be scrolled. */
    export interface Clip {
        clipX?: boolean;
        clipY?: boolean;
        scrollX?: boolean;
        scrollY?: boolean;
    }
    /**
     * How a box is laid out and looks. Rows are shared: a hundred equal
     * buttons have one style.
     */
    export interface Style {
        width: Sizing;
        height: Sizing;
        direction: Direction;
        alignX: Alignment;
        alignY: Alignment;
        padding: Sides;
        /** Between children. */
        gap: number;
        clip: Clip;
        background: Color;
        corners: Corners;
        border: Sides;
        borderColor: Color;
        /** 0 is fixed by the content; else width over height. */
        aspectRatio: number;
    }
    /** What a box holds besides its children. */
    export type Content =
        | { tag: "none" }
        /**
         * A row of `scene.strings` and one of `scene.text-styles`. Only a box
         * without children.
         */
        | { tag: "text"; val: [Index, Index] }
        | { tag: "picture"; val: PictureId }
        /**
         * A text that a person edits: the rows as in `text`. What was written
         * comes as an event; the host keeps the cursor and the selection.
         */
        | { tag: "input"; val: [Index, Index] }
        /** Left free for `loop:gfx`, which draws under this number. */
        | { tag: "canvas"; val: number };
    /** What a box is to a screen reader; the names are those of WAI-ARIA. */
    export type Role =
        | "generic"
        | "button"
        | "checkbox"
        | "radio"
        | "switch"
        | "slider"
        | "link"
        | "heading"
        | "image"
        | "list"
        | "list-item"
        | "menu"
        | "menu-item"
        | "tab"
        | "tab-list"
        | "tab-panel"
        | "table"
        | "row"
        | "cell"
        | "text-box"
        | "dialog"
        | "alert"
        | "status"
        | "progress-bar"
        | "tree"
        | "tree-item"
        | "toolbar"
        | "region";
    /** The state of a box that screen readers speak. */
    export interface States {
        disabled?: boolean;
        checked?: boolean;
        mixed?: boolean;
        expanded?: boolean;
        selected?: boolean;
        hidden?: boolean;
        busy?: boolean;
        required?: boolean;
        invalid?: boolean;
    }
    /** What screen readers are told about a node. */
    export interface Accessible {
        role: Role;
        /** Rows of `scene.strings`. */
        label?: Index | null;
        description?: Index | null;
        states: States;
        /** For sliders and progress bars: now, least, most. */
        value?: [number, number, number] | null;
    }
    /** What a node listens to. */
    export interface Listens {
        press?: boolean;
        hover?: boolean;
        focus?: boolean;
        scroll?: boolean;
        drag?: boolean;
        key?: boolean;
    }
    /**
     * A box. The nodes of a scene stand in the order of a walk that visits a
     * parent before its children and these from first to last, so `children`
     * alone gives the tree.
     */
    export interface Node {
        id: NodeId;
        /** How many direct children follow. */
        children: number;
        /** A row of `scene.styles`. */
        style: Index;
        content: Content;
        floating?: Index | null;
        accessible?: Index | null;
        listens: Listens;
    }
    /** A tree with its tables. */
    export interface Scene {
        nodes: Node[];
        styles: Style[];
        textStyles: TextStyle[];
        floating: Floating[];
        accessible: Accessible[];
        strings: string[];
    }
    /** A new scene for a part of a window. */
    export interface Update {
        window: WindowId;
        /** The node that is replaced with all below it; 0 for everything. */
        at: NodeId;
        scene: Scene;
    }
    /** A node of a window. */
    export interface Place {
        window: WindowId;
        node: NodeId;
    }
    /**
     * A text to measure: rows of `strings` and `styles` as they are handed
     * in, and the width at which it wraps, 0 for none.
     */
    export interface TextToMeasure {
        text: Index;
        style: Index;
        width: number;
    }
    /**
     * Shows scenes with the next frame. The host compares them with what it
     * has, by id, and works only on what differs. All of them or, with
     * `invalid`, none.
     *
     * @throws {Error}
     */
    export function show(updates: Update[]): void;
    /**
     * Where nodes lay in the frame that was shown last; none for those that
     * were not there.
     *
     * @throws {Error}
     */
    export function places(nodes: Place[]): Array<Rectangle | null>;
    /**
     * How large texts would be.
     *
     * @throws {Error}
     */
    export function measure(texts: TextToMeasure[], strings: string[], styles: TextStyle[]): Size[];
    /**
     * Moves scroll positions and the focus.
     *
     * @throws {Error}
     */
    export function scrollTo(nodes: Array<[Place, Point]>): void;
    /**
     * Gives a node the focus of the keyboard; the last one that can have it
     * gets it.
     *
     * @throws {Error}
     */
    export function focus(nodes: Place[]): void;
    const all: { show: typeof show, places: typeof places, measure: typeof measure, scrollTo: typeof scrollTo, focus: typeof focus };
    export default all;
}
declare module "loop:ui/layouts@0.0.1" {
    export * from "loop:ui/layouts";
    export { default } from "loop:ui/layouts";
}

/**
 * For a component that has its own layout.
 *
 * Draft.
 */
declare module "loop:ui/painter" {
    import type { Error } from "loop:core/types";
    import type { Painting } from "loop:ui/drawing";
    import type { WindowId } from "loop:window/types";
    export type { Error };
    export type { WindowId };
    export type { Painting };
    /** A window and what to paint into it. */
    export interface Target {
        window: WindowId;
        painting: Painting;
    }
    /**
     * Paints windows with the next frame, whole.
     *
     * @throws {Error}
     */
    export function paint(targets: Target[]): void;
    const all: { paint: typeof paint };
    export default all;
}
declare module "loop:ui/painter@0.0.1" {
    export * from "loop:ui/painter";
    export { default } from "loop:ui/painter";
}

/**
 * Pictures that the host keeps for a component.
 *
 * Draft.
 */
declare module "loop:ui/pictures" {
    import type { Error } from "loop:core/types";
    import type { PictureId } from "loop:ui/types";
    export type { Error };
    export type { PictureId };
    /**
     * A picture as pixels: rows from the top, each pixel four bytes, red,
     * green, blue, alpha, sRGB, not multiplied by alpha.
     */
    export interface Pixels {
        width: number;
        height: number;
        rgba: Uint8Array;
    }
    /** Where a picture comes from. */
    export type Source =
        | { tag: "pixels"; val: Pixels }
        /** PNG, JPEG, WebP or SVG. The host decodes within its limits. */
        | { tag: "encoded"; val: Uint8Array };
    /** A picture and the number that the component gives it. */
    export interface Picture {
        id: PictureId;
        source: Source;
    }
    /**
     * Hands pictures to the host; one with a number in use replaces it. It
     * is decoded beside; a scene may name it at once.
     *
     * @throws {Error}
     */
    export function put(pictures: Picture[]): void;
    /**
     * Lets go of pictures.
     *
     * @throws {Error}
     */
    export function remove(pictures: PictureId[]): void;
    const all: { put: typeof put, remove: typeof remove };
    export default all;
}
declare module "loop:ui/pictures@0.0.1" {
    export * from "loop:ui/pictures";
    export { default } from "loop:ui/pictures";
}

/**
 * For a component that is a renderer: exported by it, called by the host
 * once a frame.
 *
 * Draft.
 */
declare module "loop:ui/renderer" {
    import type { Painting } from "loop:ui/drawing";
    import type { Size, WindowId } from "loop:window/types";
    export type { WindowId };
    export type { Size };
    export type { Painting };
    /** Something to render. */
    export interface View {
        window: WindowId;
        size: Size;
        scale: number;
        painting: Painting;
    }
    /**
     * Renders views, by way of `loop:gfx`. An error is logged and the views
     * stay as they are.
     *
     * @throws {string}
     */
    export function render(views: View[]): void;
    const all: { render: typeof render };
    export default all;
}
declare module "loop:ui/renderer@0.0.1" {
    export * from "loop:ui/renderer";
    export { default } from "loop:ui/renderer";
}

/**
 * Numbers, colors and pictures.
 *
 * Draft. Lengths are logical pixels of `loop:window/types`.
 */
declare module "loop:ui/types" {
    /**
     * Names a node within its window. Chosen by the component, and the same
     * from frame to frame as long as it means the same thing: scroll
     * positions, focus and events hang on it. 0 has no name.
     */
    export type NodeId = number;
    /**
     * A row of a table in the same message. Where a row is optional, 0 is
     * the first row all the same; absence is `none`.
     */
    export type Index = number;
    /** Red, green, blue and alpha, 0 to 1, in sRGB, not multiplied by alpha. */
    export interface Color {
        r: number;
        g: number;
        b: number;
        a: number;
    }
    /** The four sides of a box. */
    export interface Sides {
        left: number;
        top: number;
        right: number;
        bottom: number;
    }
    /** The radii of a box's corners. */
    export interface Corners {
        topLeft: number;
        topRight: number;
        bottomRight: number;
        bottomLeft: number;
    }
    /** A picture that the host keeps: see `pictures`. */
    export type PictureId = number;
    /** Where lines break. */
    export type Wrap =
        | "words"
        | "newlines"
        | "never";
    /** How lines lie. */
    export type TextAlign =
        | "start"
        | "center"
        | "end";
    /**
     * How text looks. A family that is missing falls back to the next one of
     * the list, and to the host's own at last.
     */
    export interface TextStyle {
        families: string[];
        size: number;
        /** 100 to 900, as in CSS. */
        weight: number;
        italic: boolean;
        color: Color;
        /** From baseline to baseline; 0 is the font's own. */
        lineHeight: number;
        letterSpacing: number;
        wrap: Wrap;
        align: TextAlign;
    }
}
declare module "loop:ui/types@0.0.1" {
    export * from "loop:ui/types";
}
