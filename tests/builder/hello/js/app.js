import { getArguments } from "wasi:cli/environment";
import { getStdout } from "wasi:cli/stdout";
import { greeting } from "./lib.js";

export const greet = { greet: greeting };

export const run = {
    run() {
        const text = greeting(getArguments()[1] ?? "world") + "\n";
        getStdout().blockingWriteAndFlush(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    },
};
