/* loop:gfx@0.0.1: made from wit/ by tools/gen_js_types.py. */

/**
 * Devices and their batches.
 *
 * Sketch.
 */
declare module "loop:gfx/gpu" {
    import type { Error } from "loop:core/types";
    import type { Command, Creation, ObjectId, TextureFormat, TextureUsage, Write } from "loop:gfx/types";
    import type { WindowId } from "loop:window/types";
    export type { Error };
    export type { WindowId };
    export type { ObjectId };
    export type { TextureFormat };
    export type { TextureUsage };
    export type { Creation };
    export type { Write };
    export type { Command };
    /** How a window's pixels are mixed with what is behind it. */
    export type AlphaMode =
        | "opaque"
        | "premultiplied";
    /** In which colors its pixels are. */
    export type ColorSpace =
        | "srgb"
        | "display-p3";
    /** A window that is drawn to. */
    export interface Surface {
        window: WindowId;
        /**
         * None is the format that the system prefers, which the event
         * `ready` names.
         */
        format?: TextureFormat | null;
        usage: TextureUsage;
        alpha: AlphaMode;
        colors: ColorSpace;
    }
    /** One turn's work, done in the order of the fields. */
    export interface Batch {
        create: Creation[];
        write: Write[];
        commands: Command[];
        /** Objects to let go of; they live on as long as work needs them. */
        destroy: ObjectId[];
    }
    /** A device. Dropping it lets go of everything that it has. */
    export class Device {
        private constructor();
        /**
         * Gives windows a surface, or another one. Frames follow in
         * `loop:core/app.frame`.
         */
        configure(surfaces: Surface[]): void;
        /**
         * Hands over work. `invalid` means that a row has no possible
         * meaning, such as a number that names nothing, and that nothing of
         * the batch was done; what only the device can find comes as the
         * event `failed`, and objects that failed make what uses them fail,
         * as in WebGPU.
         */
        submit(batches: Batch[]): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Opens a device with these WebGPU features. It can be given work at
     * once; the event `ready` or `lost` tells whether there is one. The
     * number comes back with its events.
     *
     * @throws {Error}
     */
    export function open(number: number, features: string[], lowPower: boolean): Device;
    const all: { open: typeof open };
    export default all;
}
declare module "loop:gfx/gpu@0.0.1" {
    export * from "loop:gfx/gpu";
    export { default } from "loop:gfx/gpu";
}

/**
 * What devices report. Exported by the component.
 *
 * Sketch. Called by the host before `loop:core/app.event` of the same turn.
 */
declare module "loop:gfx/gpu-events" {
    import type { Next } from "loop:core/app";
    import type { ObjectId, TextureFormat } from "loop:gfx/types";
    export type { Next };
    export type { ObjectId };
    export type { TextureFormat };
    /**
     * A limit by WebGPU's name, "maxBufferSize". A number with a fraction in
     * JavaScript too; exact up to 2 to the power of 53.
     */
    export interface Limit {
        name: string;
        value: number;
    }
    /** What a device is. */
    export interface Description {
        vendor: string;
        architecture: string;
        /** Done in software. */
        fallback: boolean;
        features: string[];
        limits: Limit[];
        preferredFormat: TextureFormat;
    }
    /** A message about a shader. Lines and columns count from 1. */
    export interface ShaderMessage {
        isError: boolean;
        line: number;
        column: number;
        text: string;
    }
    /** What kind of failure. */
    export type Failure =
        | "validation"
        | "out-of-memory"
        | "internal";
    /** What happened. */
    export type What =
        | { tag: "ready"; val: Description }
        /** There is none, or there is none any more: open another. */
        | { tag: "lost"; val: string }
        | { tag: "compiled"; val: [ObjectId, ShaderMessage[]] }
        /**
         * A failure, the object that it happened to, if any, and a text for
         * a log.
         */
        | { tag: "failed"; val: [Failure, ObjectId | null, string] }
        /** An answer to `read-buffer`: its request and the bytes. */
        | { tag: "read"; val: [number, Uint8Array] };
    /** One event of a device. */
    export interface Event {
        device: number;
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
declare module "loop:gfx/gpu-events@0.0.1" {
    export * from "loop:gfx/gpu-events";
    export { default } from "loop:gfx/gpu-events";
}

/**
 * The rows of a batch.
 *
 * Sketch. A field that WebGPU has and that is missing here has WebGPU's
 * default.
 */
declare module "loop:gfx/types" {
    import type { WindowId } from "loop:window/types";
    export type { WindowId };
    /**
     * Names an object of a device. Chosen by the component; one space of
     * numbers for all kinds. May be used again after `destroy`.
     */
    export type ObjectId = number;
    /** A GPUTextureFormat, "bgra8unorm". */
    export type TextureFormat = string;
    /** A GPUVertexFormat, "float32x3". */
    export type VertexFormat = string;
    /**
     * What a buffer is for: WebGPU's, in wasi:webgpu's order. A buffer to be
     * read back needs `copy-src`; the two `map` flags are refused.
     */
    export interface BufferUsage {
        mapRead?: boolean;
        mapWrite?: boolean;
        copySrc?: boolean;
        copyDst?: boolean;
        index?: boolean;
        vertex?: boolean;
        uniform?: boolean;
        storage?: boolean;
        indirect?: boolean;
        queryResolve?: boolean;
    }
    /** What a texture is for, in wasi:webgpu's order. */
    export interface TextureUsage {
        copySrc?: boolean;
        copyDst?: boolean;
        textureBinding?: boolean;
        storageBinding?: boolean;
        renderAttachment?: boolean;
        transientAttachment?: boolean;
    }
    /** Which stages see a binding. */
    export interface ShaderStage {
        vertex?: boolean;
        fragment?: boolean;
        compute?: boolean;
    }
    /** How many of something along three axes. */
    export interface Extent {
        width: number;
        height: number;
        depthOrArrayLayers: number;
    }
    /** A place in a texture. */
    export interface Origin {
        x: number;
        y: number;
        z: number;
    }
    /** A color of a target's format. */
    export interface Color {
        r: number;
        g: number;
        b: number;
        a: number;
    }
    /** How a texture is laid out. */
    export type TextureDimension =
        | "d1"
        | "d2"
        | "d3";
    /** How a view sees it. */
    export type ViewDimension =
        | "d1"
        | "d2"
        | "d2-array"
        | "cube"
        | "cube-array"
        | "d3";
    export type Filter =
        | "nearest"
        | "linear";
    export type AddressMode =
        | "clamp-to-edge"
        | "repeat"
        | "mirror-repeat";
    export type Compare =
        | "never"
        | "less"
        | "equal"
        | "less-equal"
        | "greater"
        | "not-equal"
        | "greater-equal"
        | "always";
    export type Topology =
        | "point-list"
        | "line-list"
        | "line-strip"
        | "triangle-list"
        | "triangle-strip";
    export type Cull =
        | "none"
        | "front"
        | "back";
    export type FrontFace =
        | "ccw"
        | "cw";
    export type IndexFormat =
        | "uint16"
        | "uint32";
    export type StepMode =
        | "vertex"
        | "instance";
    export type BlendFactor =
        | "zero"
        | "one"
        | "src"
        | "one-minus-src"
        | "src-alpha"
        | "one-minus-src-alpha"
        | "dst"
        | "one-minus-dst"
        | "dst-alpha"
        | "one-minus-dst-alpha"
        | "src-alpha-saturated"
        | "constant"
        | "one-minus-constant"
        | "src1"
        | "one-minus-src1"
        | "src1-alpha"
        | "one-minus-src1-alpha";
    export type BlendOperation =
        | "add"
        | "subtract"
        | "reverse-subtract"
        | "min"
        | "max";
    export type BufferBinding =
        | "uniform"
        | "storage"
        | "read-only-storage";
    export type SamplerBinding =
        | "filtering"
        | "non-filtering"
        | "comparison";
    export type SampleType =
        | "float"
        | "unfilterable-float"
        | "depth"
        | "sint"
        | "uint";
    export type StorageAccess =
        | "write-only"
        | "read-only"
        | "read-write";
    export interface Buffer {
        id: ObjectId;
        size: number;
        usage: BufferUsage;
    }
    export interface Texture {
        id: ObjectId;
        size: Extent;
        mipLevels: number;
        samples: number;
        dimension: TextureDimension;
        format: TextureFormat;
        usage: TextureUsage;
        viewFormats: TextureFormat[];
    }
    /**
     * A view of a texture; none of `format` and `dimension` means the
     * texture's.
     */
    export interface View {
        id: ObjectId;
        texture: ObjectId;
        format?: TextureFormat | null;
        dimension?: ViewDimension | null;
        firstMipLevel: number;
        mipLevels: number;
        firstLayer: number;
        layers: number;
    }
    /**
     * The texture of a window's next frame. The host presents it at the end of
     * the `submit` that drew to it; its number is free from then on.
     */
    export interface FrameTexture {
        id: ObjectId;
        window: WindowId;
    }
    export interface Sampler {
        id: ObjectId;
        address: [AddressMode, AddressMode, AddressMode];
        magnify: Filter;
        minify: Filter;
        mipLevels: Filter;
        leastLevel: number;
        mostLevel: number;
        compare?: Compare | null;
        anisotropy: number;
    }
    /** A shader in WGSL. Its messages come as the event `compiled`. */
    export interface Shader {
        id: ObjectId;
        wgsl: string;
    }
    /** What one binding of a group takes. */
    export type BindingKind =
        /**
         * Of a buffer: its kind, whether its offset is given when it is set,
         * and the least size.
         */
        | { tag: "buffer"; val: [BufferBinding, boolean, number] }
        | { tag: "sampler"; val: SamplerBinding }
        /**
         * Of a texture: what samples are, how it is seen, whether it is
         * multisampled.
         */
        | { tag: "texture"; val: [SampleType, ViewDimension, boolean] }
        | { tag: "storage-texture"; val: [StorageAccess, TextureFormat, ViewDimension] };
    export interface LayoutEntry {
        binding: number;
        visible: ShaderStage;
        kind: BindingKind;
    }
    export interface GroupLayout {
        id: ObjectId;
        entries: LayoutEntry[];
    }
    /** What is bound. */
    export type Bound =
        /** A buffer from an offset on, so many bytes; 0 for all the rest. */
        | { tag: "buffer"; val: [ObjectId, number, number] }
        | { tag: "sampler"; val: ObjectId }
        | { tag: "view"; val: ObjectId };
    export interface GroupEntry {
        binding: number;
        bound: Bound;
    }
    export interface Group {
        id: ObjectId;
        layout: ObjectId;
        entries: GroupEntry[];
    }
    /** A constant that a shader declares with `override`. */
    export interface Constant {
        name: string;
        value: number;
    }
    /** A shader's entry point. */
    export interface Stage {
        shader: ObjectId;
        entryPoint: string;
        constants: Constant[];
    }
    export interface Attribute {
        format: VertexFormat;
        offset: number;
        location: number;
    }
    export interface VertexLayout {
        stride: number;
        step: StepMode;
        attributes: Attribute[];
    }
    export interface BlendPart {
        operation: BlendOperation;
        src: BlendFactor;
        dst: BlendFactor;
    }
    export interface ColorTarget {
        format: TextureFormat;
        /** Of color and of alpha. */
        blend?: [BlendPart, BlendPart] | null;
        /** Bits for red, green, blue, alpha: 1, 2, 4, 8. */
        writeMask: number;
    }
    export interface DepthState {
        format: TextureFormat;
        writes: boolean;
        compare: Compare;
        bias: number;
        biasSlope: number;
    }
    export interface RenderPipeline {
        id: ObjectId;
        /** The group layouts, by slot; none takes them from the shaders. */
        layouts?: ObjectId[] | null;
        vertex: Stage;
        vertexBuffers: VertexLayout[];
        topology: Topology;
        frontFace: FrontFace;
        cull: Cull;
        fragment?: Stage | null;
        targets: ColorTarget[];
        depth?: DepthState | null;
        samples: number;
    }
    export interface ComputePipeline {
        id: ObjectId;
        layouts?: ObjectId[] | null;
        compute: Stage;
    }
    /** Something to create. */
    export type Creation =
        | { tag: "buffer"; val: Buffer }
        | { tag: "texture"; val: Texture }
        | { tag: "view"; val: View }
        | { tag: "frame-texture"; val: FrameTexture }
        | { tag: "sampler"; val: Sampler }
        | { tag: "shader"; val: Shader }
        | { tag: "group-layout"; val: GroupLayout }
        | { tag: "group"; val: Group }
        | { tag: "render-pipeline"; val: RenderPipeline }
        | { tag: "compute-pipeline"; val: ComputePipeline };
    export interface BufferWrite {
        buffer: ObjectId;
        offset: number;
        bytes: Uint8Array;
    }
    export interface TextureWrite {
        texture: ObjectId;
        mipLevel: number;
        origin: Origin;
        size: Extent;
        bytesPerRow: number;
        rowsPerImage: number;
        bytes: Uint8Array;
    }
    /** Bytes for an object. */
    export type Write =
        | { tag: "buffer"; val: BufferWrite }
        | { tag: "texture"; val: TextureWrite };
    export interface ColorAttachment {
        view: ObjectId;
        resolveTo?: ObjectId | null;
        /** None keeps what is there. */
        clear?: Color | null;
        /** Whether what was drawn is kept. */
        store: boolean;
    }
    export interface DepthAttachment {
        view: ObjectId;
        clear?: number | null;
        store: boolean;
    }
    export interface RenderPass {
        colors: ColorAttachment[];
        depth?: DepthAttachment | null;
    }
    export interface Draw {
        vertices: number;
        instances: number;
        firstVertex: number;
        firstInstance: number;
    }
    export interface DrawIndexed {
        indices: number;
        instances: number;
        firstIndex: number;
        baseVertex: number;
        firstInstance: number;
    }
    export interface SetGroup {
        slot: number;
        group: ObjectId;
        offsets: number[];
    }
    export interface SetVertexBuffer {
        slot: number;
        buffer: ObjectId;
        offset: number;
    }
    export interface SetIndexBuffer {
        buffer: ObjectId;
        format: IndexFormat;
        offset: number;
    }
    export interface Viewport {
        x: number;
        y: number;
        width: number;
        height: number;
        near: number;
        far: number;
    }
    export interface Scissor {
        x: number;
        y: number;
        width: number;
        height: number;
    }
    export interface CopyBuffer {
        src: ObjectId;
        srcOffset: number;
        dst: ObjectId;
        dstOffset: number;
        size: number;
    }
    export interface TexturePlace {
        texture: ObjectId;
        mipLevel: number;
        origin: Origin;
    }
    export interface BufferPlace {
        buffer: ObjectId;
        offset: number;
        bytesPerRow: number;
        rowsPerImage: number;
    }
    export interface ReadBuffer {
        request: number;
        buffer: ObjectId;
        offset: number;
        size: number;
    }
    /**
     * A step of the processor's work. `begin-` and `end` enclose what belongs
     * to a pass; copies and reads stand outside.
     */
    export type Command =
        | { tag: "begin-render"; val: RenderPass }
        | { tag: "begin-compute" }
        | { tag: "end" }
        | { tag: "render-pipeline"; val: ObjectId }
        | { tag: "compute-pipeline"; val: ObjectId }
        | { tag: "group"; val: SetGroup }
        | { tag: "vertex-buffer"; val: SetVertexBuffer }
        | { tag: "index-buffer"; val: SetIndexBuffer }
        | { tag: "viewport"; val: Viewport }
        | { tag: "scissor"; val: Scissor }
        | { tag: "blend-constant"; val: Color }
        | { tag: "stencil-reference"; val: number }
        | { tag: "draw"; val: Draw }
        | { tag: "draw-indexed"; val: DrawIndexed }
        /** A buffer and the offset of the arguments in it. */
        | { tag: "draw-indirect"; val: [ObjectId, number] }
        | { tag: "draw-indexed-indirect"; val: [ObjectId, number] }
        | { tag: "dispatch"; val: [number, number, number] }
        | { tag: "dispatch-indirect"; val: [ObjectId, number] }
        | { tag: "copy-buffer"; val: CopyBuffer }
        | { tag: "copy-buffer-to-texture"; val: [BufferPlace, TexturePlace, Extent] }
        | { tag: "copy-texture-to-buffer"; val: [TexturePlace, BufferPlace, Extent] }
        | { tag: "copy-texture"; val: [TexturePlace, TexturePlace, Extent] }
        /** The bytes come as the event `read`. */
        | { tag: "read-buffer"; val: ReadBuffer }
        /** Names what follows in a debugger, until `end-label`. */
        | { tag: "begin-label"; val: string }
        | { tag: "end-label" };
}
declare module "loop:gfx/types@0.0.1" {
    export * from "loop:gfx/types";
}
