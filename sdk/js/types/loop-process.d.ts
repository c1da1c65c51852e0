/* loop:process@0.1.0: made from wit/ by tools/gen_js_types.py. */

/**
 * Start a program, talk to it, end it.
 *
 * `spawn` takes the milliseconds that the system needs to start a program;
 * nothing else here waits. What may wait is wasi:io: the streams, and the
 * pollable of `process.subscribe`.
 *
 * A grant names a program and a pattern of arguments; what matches none is
 * `denied`, with what would allow it. Arguments are passed as they are: there
 * is no shell, nothing is expanded or split. A program leads a group of its
 * own, with no terminal. The group and whatever else it has started are killed
 * when the program ends, when its handle is dropped, when the component ends
 * and when the host ends, however it ends.
 *
 * Of the host a program gets nothing but its three streams: no environment,
 * no open files, no ignored signals. It gets no rights beyond those of the
 * host either: a setuid program runs without them.
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
        /** The host's own, as WASI's standard input is. */
        | "inherit"
        /** What is written to `process.take-stdin`. */
        | "pipe";
    /** What the program's standard output or error is. */
    export type Output =
        /** Thrown away. */
        | "null"
        /** The host's own, as WASI's standard output and error are. */
        | "inherit"
        /** What is read from `process.take-stdout` or `take-stderr`. */
        | "pipe";
    /** What to start. */
    export interface Command {
        /**
         * A name, which is looked for where the host looks for programs, or
         * an absolute path of the machine. What it is found as has to be what
         * the grant was resolved to. Any other path is `invalid`.
         */
        program: string;
        /**
         * Without the program itself. At most 4,096; a string has at most
         * 131,071 bytes and no zero byte.
         */
        arguments: string[];
        /**
         * All that the program's environment has. Each name has to be granted
         * as a variable to the component: names such as LD_PRELOAD make
         * another program of it. A name given twice, an empty one and one
         * with '=' in it are `invalid`. At most 1,024; "NAME=value" has at
         * most 131,071 bytes.
         */
        environment: Array<[string, string]>;
        /**
         * A directory as the component sees it, inside one that it was
         * granted: no link leads out of that. None is the root of the machine,
         * where nothing lies that a name would find by accident.
         */
        workingDirectory?: string | null;
        stdin: Input;
        stdout: Output;
        stderr: Output;
        /** Killed after so many milliseconds; 0 is `invalid`. */
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
         * of input. What was written and not flushed is lost then. `invalid`
         * when it is no pipe or was taken.
         */
        takeStdin(): OutputStream;
        /**
         * The program's output, once. It is for the component to read: a
         * full pipe stops the program.
         */
        takeStdout(): InputStream;
        /** The program's errors, once. */
        takeStderr(): InputStream;
        /** Ready when the program has ended, and from then on. */
        subscribe(): Pollable;
        /** How it ended, none while it runs. */
        status(): ExitStatus | null;
        /**
         * Sends a signal to the program's group. Nothing happens to one that
         * has ended.
         */
        signal(signal: Signal): void;
        /** Gives it back to who made it. */
        [Symbol.dispose](): void;
    }
    /**
     * Starts a program, of which a component may have 64 at a time. It may
     * have ended by the time this returns. `denied`: no grant, `invalid`: the
     * command is none, `limit`: too many or too much, `failed`: the system
     * did not start it.
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
