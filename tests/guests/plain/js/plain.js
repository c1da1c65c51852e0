/*
 * plain STATUS [ARGUMENT...]: a command as JavaScript's SDKs make one; see
 * plain.c. For componentize-qjs and componentize-js alike.
 */
import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.0";
import { exit } from "wasi:cli/exit@0.2.0";
import { getStdin } from "wasi:cli/stdin@0.2.0";
import { getStdout } from "wasi:cli/stdout@0.2.0";

/* ASCII is enough here; TextEncoder is not everywhere. */
const print = (text) =>
    getStdout().blockingWriteAndFlush(Uint8Array.from(text + "\n", (c) => c.charCodeAt(0)));

function readAll(stream) {
    let text = "";
    for (;;) {
        try {
            text += String.fromCharCode(...stream.blockingRead(4096));
        } catch {
            return text;
        }
    }
}

export const run = {
    run() {
        const [, status = "0", ...rest] = getArguments();
        print(["arguments:", ...rest].join(" "));
        const greeting = getEnvironment().find(([name]) => name === "GREETING");
        print(`GREETING: ${greeting ? greeting[1] : "not set"}`);
        for (const line of readAll(getStdin()).split("\n").filter(Boolean)) print(`stdin: ${line}`);
        exit({ tag: Number(status) === 0 ? "ok" : "err" });
    },
};
