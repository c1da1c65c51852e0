/* wasi:cli@0.2.0: made from wit/ by tools/gen_js_types.py. */

declare module "wasi:cli/environment" {
    /**
     * Get the POSIX-style environment variables.
     *
     * Each environment variable is provided as a pair of string variable names
     * and string value.
     *
     * Morally, these are a value import, but until value imports are available
     * in the component model, this import function should return the same
     * values each time it is called.
     */
    export function getEnvironment(): Array<[string, string]>;
    /** Get the POSIX-style arguments to the program. */
    export function getArguments(): string[];
    /**
     * Return a path that programs should use as their initial current working
     * directory, interpreting `.` as shorthand for this.
     */
    export function initialCwd(): string | null;
    const all: { getEnvironment: typeof getEnvironment, getArguments: typeof getArguments, initialCwd: typeof initialCwd };
    export default all;
}
declare module "wasi:cli/environment@0.2.0" {
    export * from "wasi:cli/environment";
    export { default } from "wasi:cli/environment";
}

declare module "wasi:cli/exit" {
    /** Exit the current instance and any linked instances. */
    export function exit(status: { tag: "ok" } | { tag: "err" }): void;
    const all: { exit: typeof exit };
    export default all;
}
declare module "wasi:cli/exit@0.2.0" {
    export * from "wasi:cli/exit";
    export { default } from "wasi:cli/exit";
}

declare module "wasi:cli/run" {
    /** Run the program. */
    export function run(): void;
    const all: { run: typeof run };
    export default all;
}
declare module "wasi:cli/run@0.2.0" {
    export * from "wasi:cli/run";
    export { default } from "wasi:cli/run";
}

declare module "wasi:cli/stderr" {
    import type { OutputStream } from "wasi:io/streams";
    export type { OutputStream };
    export function getStderr(): OutputStream;
    const all: { getStderr: typeof getStderr };
    export default all;
}
declare module "wasi:cli/stderr@0.2.0" {
    export * from "wasi:cli/stderr";
    export { default } from "wasi:cli/stderr";
}

declare module "wasi:cli/stdin" {
    import type { InputStream } from "wasi:io/streams";
    export type { InputStream };
    export function getStdin(): InputStream;
    const all: { getStdin: typeof getStdin };
    export default all;
}
declare module "wasi:cli/stdin@0.2.0" {
    export * from "wasi:cli/stdin";
    export { default } from "wasi:cli/stdin";
}

declare module "wasi:cli/stdout" {
    import type { OutputStream } from "wasi:io/streams";
    export type { OutputStream };
    export function getStdout(): OutputStream;
    const all: { getStdout: typeof getStdout };
    export default all;
}
declare module "wasi:cli/stdout@0.2.0" {
    export * from "wasi:cli/stdout";
    export { default } from "wasi:cli/stdout";
}

/**
 * Terminal input.
 *
 * In the future, this may include functions for disabling echoing,
 * disabling input buffering so that keyboard events are sent through
 * immediately, querying supported features, and so on.
 */
declare module "wasi:cli/terminal-input" {
    /** The input side of a terminal. */
    export class TerminalInput {
        private constructor();
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
}
declare module "wasi:cli/terminal-input@0.2.0" {
    export * from "wasi:cli/terminal-input";
}

/**
 * Terminal output.
 *
 * In the future, this may include functions for querying the terminal
 * size, being notified of terminal size changes, querying supported
 * features, and so on.
 */
declare module "wasi:cli/terminal-output" {
    /** The output side of a terminal. */
    export class TerminalOutput {
        private constructor();
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
}
declare module "wasi:cli/terminal-output@0.2.0" {
    export * from "wasi:cli/terminal-output";
}

/**
 * An interface providing an optional `terminal-output` for stderr as a
 * link-time authority.
 */
declare module "wasi:cli/terminal-stderr" {
    import type { TerminalOutput } from "wasi:cli/terminal-output";
    export type { TerminalOutput };
    /**
     * If stderr is connected to a terminal, return a `terminal-output` handle
     * allowing further interaction with it.
     */
    export function getTerminalStderr(): TerminalOutput | null;
    const all: { getTerminalStderr: typeof getTerminalStderr };
    export default all;
}
declare module "wasi:cli/terminal-stderr@0.2.0" {
    export * from "wasi:cli/terminal-stderr";
    export { default } from "wasi:cli/terminal-stderr";
}

/**
 * An interface providing an optional `terminal-input` for stdin as a
 * link-time authority.
 */
declare module "wasi:cli/terminal-stdin" {
    import type { TerminalInput } from "wasi:cli/terminal-input";
    export type { TerminalInput };
    /**
     * If stdin is connected to a terminal, return a `terminal-input` handle
     * allowing further interaction with it.
     */
    export function getTerminalStdin(): TerminalInput | null;
    const all: { getTerminalStdin: typeof getTerminalStdin };
    export default all;
}
declare module "wasi:cli/terminal-stdin@0.2.0" {
    export * from "wasi:cli/terminal-stdin";
    export { default } from "wasi:cli/terminal-stdin";
}

/**
 * An interface providing an optional `terminal-output` for stdout as a
 * link-time authority.
 */
declare module "wasi:cli/terminal-stdout" {
    import type { TerminalOutput } from "wasi:cli/terminal-output";
    export type { TerminalOutput };
    /**
     * If stdout is connected to a terminal, return a `terminal-output` handle
     * allowing further interaction with it.
     */
    export function getTerminalStdout(): TerminalOutput | null;
    const all: { getTerminalStdout: typeof getTerminalStdout };
    export default all;
}
declare module "wasi:cli/terminal-stdout@0.2.0" {
    export * from "wasi:cli/terminal-stdout";
    export { default } from "wasi:cli/terminal-stdout";
}
