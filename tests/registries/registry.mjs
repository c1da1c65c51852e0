/*
 * A registry of its own for loop, as a Node program: packages out of a folder that has an OCI image
 * layout. In loop.yaml:
 *
 *     registries:
 *       default: mine
 *       known:
 *         mine: { sidecar: [node, registry.mjs], layout: ../site }
 */
import { Err, serve } from "./loop-sidecar/sidecar.js"; // first: it takes stdout, which carries frames
import { readFile } from "node:fs/promises";

const ERROR = "variant{unavailable(string),denied(string),invalid(string),limit(string),cancelled,failed(string)}";
const RELEASE = "record{version:string,digest:string,content:string,size:u64,requires:list<record{name:string," +
    "versions:string}>,yanked:option<record{reason:string}>}";
const DOWNLOAD = "loop:pkg/registry.download";

let layout = ".";

function release({ digest, annotations: notes }) {
    const requires = JSON.parse(notes["loop.requires"] ?? "{}");
    return {
        version: notes["org.opencontainers.image.ref.name"], digest, content: notes["loop.content"],
        size: BigInt(notes["loop.size"]),
        requires: Object.entries(requires).map(([name, versions]) => ({ name, versions })),
        yanked: "loop.yanked" in notes ? { reason: notes["loop.yanked"] } : undefined,
    };
}

async function lookup(questions) {
    const { manifests } = JSON.parse(await readFile(`${layout}/index.json`, "utf8"));
    return questions.map(({ name }) => ({
        releases: manifests.filter((d) => d.annotations?.["loop.name"] === name).map(release),
        tag: undefined, freshFor: 60,
    }));
}

async function open(name, part, digest, offset) {
    try {
        const bytes = await readFile(`${layout}/blobs/sha256/${digest.slice("sha256:".length)}`);
        return { rest: bytes.subarray(Number(offset)) };
    } catch (problem) {
        throw new Err({ tag: "failed", val: String(problem) });
    }
}

function next(download, limit) {
    const piece = download.rest.subarray(0, limit);
    download.rest = download.rest.subarray(piece.length);
    return piece;
}

await serve({
    name: "folder-registry", version: "0.1.0", summary: "packages out of a folder",
    options: { layout: { type: "path", fallback: ".", help: "the folder" } },
    open(host) {
        layout = host.options.layout;
    },
    interfaces: {
        "loop:pkg/registry@0.1.0": {
            functions: {
                lookup: [`(list<record{name:string,tag:option<string>}>)->result<list<record{releases:option<list<${RELEASE}>>,` +
                    `tag:option<string>,fresh-for:u32}>,${ERROR}>`, lookup],
                referrers: [`(string,string)->result<list<record{digest:string,media-type:string,size:u64}>,${ERROR}>`, () => []],
                open: [`(string,enum{manifest,content},string,u64)->result<own<${DOWNLOAD}>,${ERROR}>`, open],
                "[method]download.next": [`(borrow<${DOWNLOAD}>,u32)->result<list<u8>,${ERROR}>`, next],
            },
            resources: { download: {} },
        },
    },
});
