/* loop:pkg@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * Components that load components.
 *
 * Draft, and served. A loaded component gets the lowest class and a part of
 * what its parent was granted, never more; what is denied to its parent is
 * denied to it. Its limits are its parent's. It ends with its parent.
 *
 * May wait: `load` compiles, which may take seconds the first time; `serve`
 * waits until what was under way has ended.
 */
declare module "loop:pkg/loader" {
    import type { Error } from "loop:core/types";
    import type { Selection } from "loop:pkg/types";
    export type { Error };
    export type { Selection };
    /** What the loaded component may have. */
    export interface Wish {
        selected: Selection;
        /**
         * The name by which the parent speaks of it, to mount its fibers and
         * to bind it: letters, digits, '-' and '_', 64 at most. One name is
         * in use once; another one of it is `invalid`.
         */
        name: string;
        /**
         * The parent's own grants that it passes on, as the configuration
         * names them: "dirs", "env", "http", "net", "packages", "storage".
         * One that the parent does not have is `denied`. With "storage" it
         * has its parent's store, and shares its quota; without, it has none.
         */
        grants: string[];
    }
    /** How a loaded component is. */
    export type Condition =
        | { tag: "running" }
        /** It ended by itself, with this status. */
        | { tag: "exited"; val: number }
        /** It trapped or reached a limit. The text is for a log. */
        | { tag: "failed"; val: string };
    /** A component that was loaded. Dropping it ends the component. */
    export class Loaded {
        private constructor();
        /** The interfaces it exports, with versions. */
        exports(): string[];
        /**
         * Lets it serve one of the parent's own imports from now on, such as
         * "acme:theme/colors@1.0.0", and nobody else's. The import must be
         * optional or already served; the versions must fit. A component
         * that runs by itself (a command, an application) cannot:
         * `unavailable`. Once it is dropped, the import answers that it is
         * unavailable.
         */
        serve(imported: string): void;
        /** How it is. Never waits. */
        condition(): Condition;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Loads a component from the cache and starts it. `denied`: its parent
     * has no grant for packages of that name. `unavailable`: it is not in
     * the cache, or imports what nobody serves. `limit`: there may be no
     * more of them.
     *
     * @throws {Error}
     */
    export function load(wish: Wish): Loaded;
    const all: { load: typeof load };
    export default all;
}
declare module "loop:pkg/loader@0.1.0" {
    export * from "loop:pkg/loader";
    export { default } from "loop:pkg/loader";
}

/**
 * A place that has packages.
 *
 * Settled in shape. This is the contract of a registry that somebody writes,
 * and what a component asks that looks into registries itself. It only looks
 * things up and delivers bytes. It decides nothing: the host chooses
 * versions, checks digests and (not yet) signatures, and keeps the cache.
 *
 * May wait: every function may go to a network.
 */
declare module "loop:pkg/registry" {
    import type { Error } from "loop:core/types";
    import type { Digest, PackageName, Release } from "loop:pkg/types";
    export type { Error };
    export type { PackageName };
    export type { Digest };
    export type { Release };
    /** What is known already, so that an answer can be "the same". */
    export interface Question {
        name: PackageName;
        /** The tag that came with the last answer. */
        tag?: string | null;
    }
    /** What a registry knows of one package. */
    export interface PackageInfo {
        /**
         * Newest first. None if the tag that was sent is still good; an
         * empty list if there is no such package.
         */
        releases?: Release[] | null;
        /** For the next question; none if the registry keeps none. */
        tag?: string | null;
        /** Seconds for which asking again is pointless. */
        freshFor: number;
    }
    /** What a manifest or another manifest's `subject` refers to. */
    export interface Blob {
        digest: Digest;
        /** An OCI media type, or an annotation's artifact type for a referrer. */
        mediaType: string;
        size: number;
    }
    /** Registries keep manifests apart from what these name. */
    export type Part =
        | "manifest"
        /** A component, a manifest's config, documentation. */
        | "content";
    /** Bytes on their way. */
    export class Download {
        private constructor();
        /**
         * The next bytes, at most `limit` and 1 MiB; an empty list at the
         * end. Waits for the first of them.
         */
        next(limit: number): Uint8Array;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Asks for several packages at once. Answers in the order of the
     * questions.
     *
     * @throws {Error}
     */
    export function lookup(questions: Question[]): PackageInfo[];
    /**
     * What belongs to a manifest without being in it: signatures,
     * documentation.
     *
     * @throws {Error}
     */
    export function referrers(name: PackageName, manifest: Digest): Blob[];
    /**
     * Bytes of a blob or manifest from `offset` on, which is how a broken
     * download goes on. `invalid` if the registry cannot start there: begin
     * again at 0.
     *
     * @throws {Error}
     */
    export function open(name: PackageName, part: Part, digest: Digest, offset: number): Download;
    const all: { lookup: typeof lookup, referrers: typeof referrers, open: typeof open };
    export default all;
}
declare module "loop:pkg/registry@0.1.0" {
    export * from "loop:pkg/registry";
    export { default } from "loop:pkg/registry";
}

/**
 * From wishes to packages in the cache.
 *
 * Settled in shape. What `loop add` and `loop install` do, for components
 * that were granted packages: others get `denied`. What it chooses it may
 * only fetch; nothing of it is written where somebody else would use it.
 *
 * May wait: `resolve` asks registries, and `wait` waits. A `transfer` goes on
 * by itself and is looked at.
 */
declare module "loop:pkg/resolver" {
    import type { Error } from "loop:core/types";
    import type { Requirement, Selection } from "loop:pkg/types";
    export type { Error };
    export type { Requirement };
    export type { Selection };
    /** How to choose. */
    export interface Options {
        /** Only what the cache and folders of this machine have. */
        offline?: boolean;
        /** Take newer versions even where `locked` has a good one. */
        upgrade?: boolean;
        /** The lowest version that would do, to test a lower bound. */
        lowest?: boolean;
    }
    /** What resolving found. */
    export type Resolution =
        /** Everything that is needed, dependencies before what needs them. */
        | { tag: "found"; val: Selection[] }
        /**
         * No choice satisfies all. Why, for people: what cannot be had first,
         * then a sentence for each wish that shows it.
         */
        | { tag: "conflict"; val: string[] };
    /** Where a transfer stands. Bytes are those of components. */
    export interface Progress {
        bytesDone: number;
        /** None until the registry has said. */
        bytesTotal?: number | null;
        /** The packages that are complete: checked and in the cache. */
        complete: number;
        /** What ended it, once it has ended. `ok` when all are complete. */
        ended?: { tag: "ok" } | { tag: "err"; val: Error } | null;
    }
    /**
     * Packages on their way into the cache. Dropping it stops the transfer;
     * what has come is kept and the next one goes on from there.
     */
    export class Transfer {
        private constructor();
        /** Never waits. */
        progress(): Progress;
        /** The same, once it has ended or so many milliseconds have passed. */
        wait(milliseconds: number): Progress;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Chooses versions. `locked` is what a lock file had: it is kept where
     * it satisfies the wishes, yanked or not.
     *
     * @throws {Error}
     */
    export function resolve(wishes: Requirement[], locked: Selection[], options: Options): Resolution;
    /**
     * Brings packages into the cache: digests and (not yet) signatures are
     * checked before anything is called complete.
     *
     * @throws {Error}
     */
    export function fetch(packages: Selection[]): Transfer;
    const all: { resolve: typeof resolve, fetch: typeof fetch };
    export default all;
}
declare module "loop:pkg/resolver@0.1.0" {
    export * from "loop:pkg/resolver";
    export { default } from "loop:pkg/resolver";
}

/**
 * What the other interfaces share.
 *
 * Settled.
 */
declare module "loop:pkg/types" {
    /** A package's name, "acme:notes". */
    export type PackageName = string;
    /** A semantic version, "1.2.0-rc.1". */
    export type PackageVersion = string;
    /**
     * What content is, "sha256:" and 64 lower-case hexadecimal digits. Who
     * has it needs no trust in where the bytes came from.
     */
    export type Digest = string;
    /**
     * A wish: a package and the versions that would do, written as Cargo
     * writes them ("^1.2", ">=1.0, <1.5", "=2.0.0"). Pre-releases only when
     * the wish names one.
     */
    export interface Requirement {
        name: PackageName;
        versions: string;
    }
    /**
     * Why a release should not be chosen any more. A lock file that already
     * has it may go on using it.
     */
    export interface Yanked {
        reason: string;
    }
    /** One published version of a package. */
    export interface Release {
        version: PackageVersion;
        /**
         * Of the manifest, which names everything else by digest; "" where
         * the registry has the component alone.
         */
        digest: Digest;
        /** Of the component itself; "" where only the manifest says it. */
        content: Digest;
        /**
         * Bytes to fetch for the component itself, 0 if the registry does
         * not say.
         */
        size: number;
        requires: Requirement[];
        yanked?: Yanked | null;
    }
    /** A package at one version. */
    export interface Selection {
        name: PackageName;
        version: PackageVersion;
        /** Of the manifest; "" as in `release`. */
        digest: Digest;
        /** Of the component; "" as in `release`. */
        content: Digest;
        /** The registry that has it, as the configuration names it. */
        registry: string;
    }
}
declare module "loop:pkg/types@0.1.0" {
    export * from "loop:pkg/types";
}
