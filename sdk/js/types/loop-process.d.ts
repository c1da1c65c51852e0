/* loop:process@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * Start a program, talk to it, end it.
 *
 * May wait: `spawn` and `process.wait`, and the streams as far as wasi:io
 * says so. The rest answers at once.
 *
 * A grant names programs and patterns of arguments; whatever matches none is
 * `denied`, with the grant that is missing. Arguments are passed as they are:
 * there is no shell, nothing is expanded or split. A program is a group of
 * its own, and the whole group is killed when its handle is dropped, when
 * the component ends and when the host ends, however it ends.
 */
declare module "loop:process/processes" {
    import type { Error } from "loop:core/types";
    import type { Pollable } from "wasi:io/poll";
    import type { InputStream, OutputStream } from "wasi:io/streams";
    export type { Error };
    export type { Pollable };
    export type { InputStream };
    export type { OutputStream };
    /** What the program's standard input is. */
    export type Input =
        /** Empty. */
        | "null"
        /** The component's own. */
        | "inherit"
        /** What is written to `process.take-stdin`. */
        | "pipe";
    /** What the program's standard output or error is. */
    export type Output =
        /** Thrown away. */
        | "null"
        /** The component's own. */
        | "inherit"
        /** What is read from `process.take-stdout` or `take-stderr`. */
        | "pipe"
        /** The host's log, line by line, under the program's name. */
        | "log";
    /** What to start. */
    export interface Command {
        /**
         * A name that a grant holds, or an absolute path of the machine. It
         * is resolved by the host; a name with a slash in it is not searched.
         */
        program: string;
        /** Without the program itself. No string may hold a zero byte. */
        arguments: string[];
        /**
         * All that the program's environment has, and what the grant adds.
         * Nothing is inherited. A name given twice is `invalid`.
         */
        environment: Array<[string, string]>;
        /**
         * A directory as the component sees it, inside one that it was
         * granted; none is an empty directory that goes with the program.
         */
        workingDirectory?: string | null;
        stdin: Input;
        stdout: Output;
        stderr: Output;
        /** Killed after so many milliseconds. */
        deadline?: number | null;
    }
    /**
     * What to tell a program. Where the system has no such signal the answer
     * is `unavailable`; `kill` is everywhere.
     */
    export type Signal =
        | "hangup"
        | "interrupt"
        | "quit"
        | "terminate"
        | "kill"
        | "user1"
        | "user2";
    /** How a program ended. */
    export type ExitStatus =
        /** It ended by itself, with this status. */
        | { tag: "code"; val: number }
        /** It was ended by a signal, with the number that the system gives it. */
        | { tag: "signalled"; val: number }
        /** It was killed because its deadline passed. */
        | { tag: "deadline" };
    /**
     * A program that was started. Dropping it kills the program and whatever
     * it has started, and closes the streams that were not taken.
     */
    export class Process {
        private constructor();
        /**
         * The stream to the program, once; dropping it is the program's end
         * of input. `invalid` when it is no pipe or was taken.
         */
        takeStdin(): OutputStream;
        /**
         * The program's output, once. It is for the component to read: a
         * full pipe stops the program.
         */
        takeStdout(): InputStream;
        /** The program's errors, once. */
        takeStderr(): InputStream;
        /**
         * Ready when the program has ended. A child of the process; drop it
         * first.
         */
        subscribe(): Pollable;
        /** How it ended, none while it runs. Never waits. */
        status(): ExitStatus | null;
        /** Waits for its end. */
        wait(): ExitStatus;
        /**
         * Sends a signal to the program's group. Nothing happens to one that
         * has ended.
         */
        signal(signal: Signal): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Starts a program. It may have ended by the time this returns.
     *
     * @throws {Error}
     */
    export function spawn(command: Command): Process;
    const all: { spawn: typeof spawn };
    export default all;
}
declare module "loop:process/processes@0.1.0" {
    export * from "loop:process/processes";
    export { default } from "loop:process/processes";
}
