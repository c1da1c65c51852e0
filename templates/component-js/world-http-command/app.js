/*
 * scaffold-name URL: fetches a page; prints its status, then what it says.
 *
 * A request goes to servers that were granted alone (`grants.http` of loop.yaml); any other ends
 * with "HTTP-request-denied".
 */
import { Fields, OutgoingRequest } from "wasi:http/types";
import { handle } from "wasi:http/outgoing-handler";
import { command, Failure, lend, print, printBytes, Usage } from "./loop-sdk/loop.js";

/* A URL, taken apart: this engine has no class for it. */
function parse(url) {
    const match = /^(https?):\/\/([^/?#]+)([^#]*)/.exec(url);
    if (!match) throw new Failure(`'${url}' is not an http or https URL`);
    const [, scheme, authority, path] = match;
    return { scheme, authority, path: path.startsWith("/") ? path : `/${path}` };
}

/* The name of an error code, with its text where it has one. */
function nameOf(error) {
    const code = error.payload ?? error;
    const text = typeof code.val === "string" ? `: ${code.val}` : "";
    return code.tag ? code.tag + text : String(code.message ?? code);
}

/* Sends a GET and waits for the start of the answer. */
function get(url) {
    const { scheme, authority, path } = parse(url);
    try {
        const request = new OutgoingRequest(new Fields());
        request.setScheme({ tag: scheme === "https" ? "HTTPS" : "HTTP" });
        request.setAuthority(authority);
        request.setPathWithQuery(path);
        const answer = lend(handle(request, null), (future) => {
            lend(future.subscribe(), (ready) => ready.block());
            const result = future.get(); // option<result<result<response, error-code>>>
            if (result?.tag !== "ok") throw new Failure("the answer was taken already");
            return result.val;
        });
        if (answer.tag === "err") throw answer.val;
        return answer.val;
    } catch (error) {
        throw new Failure(`cannot fetch ${url}\n  because ${nameOf(error)}`);
    }
}

function printStream(stream) {
    for (;;) {
        let bytes;
        try {
            bytes = stream.blockingRead(65536);
        } catch (error) {
            if ((error.payload ?? error).tag === "closed") return;
            throw new Failure("the answer ended too early");
        }
        printBytes(bytes);
    }
}

export const run = command((args) => {
    if (args.length !== 1) throw new Usage("scaffold-name URL");
    const [url] = args;
    lend(get(url), (response) => {
        print(`${response.status()} ${url}`);
        lend(response.consume(), (body) => lend(body.stream(), printStream));
    });
});
