/*
 * fetch URL: GET over wasi:http; prints the status, then the body.
 *
 * Follows up to five redirects. Each hop is a request of its own, so the host
 * decides about each server anew. A request that does not succeed ends with
 * status 1 and the error code's name: "HTTP-request-denied" where the host did
 * not allow it.
 */
import { Fields, OutgoingRequest } from "wasi:http/types";
import { handle } from "wasi:http/outgoing-handler";
import { command, decode, Failure, lend, print, printBytes, Usage } from "../../../sdk/js/loop.js";

const MAX_REDIRECTS = 5;

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
            return future.get().val; // of option<result<result<response, error-code>>>
        });
        if (answer.tag === "err") throw answer.val;
        return answer.val;
    } catch (error) {
        throw new Failure(`cannot fetch ${url}\n  because ${nameOf(error)}`);
    }
}

/* The URL a redirect leads to; none where the answer is none. */
function redirect(response, from) {
    if (![301, 302, 303, 307, 308].includes(response.status())) return null;
    const [value] = lend(response.headers(), (headers) => headers.get("location"));
    if (!value) return null;
    const to = decode(value);
    const { scheme, authority } = parse(from);
    return to.startsWith("/") ? `${scheme}://${authority}${to}` : to;
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

/* Prints an answer; gives back the URL to go on with, if any. */
function show(response, url) {
    print(`${response.status()} ${url}`);
    const next = redirect(response, url);
    if (!next) lend(response.consume(), (body) => lend(body.stream(), printStream));
    return next;
}

export const run = command((args) => {
    if (args.length !== 1) throw new Usage("fetch URL");
    let url = args[0];
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const next = lend(get(url), (response) => show(response, url));
        if (!next) return;
        url = next;
    }
    throw new Failure(`more than ${MAX_REDIRECTS} redirects`);
});
