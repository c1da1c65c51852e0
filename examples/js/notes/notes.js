/*
 * notes add TEXT...   appends one line to /data/notes.txt
 * notes list          prints the lines, numbered
 *
 * Files through wasi:filesystem itself. The component sees no directory until
 * somebody grants it one under the name /data; then that one, and no other.
 */
import preopens from "wasi:filesystem/preopens";
import { command, decode, encode, Failure, lend, print, Usage, write } from "../../../sdk/js/loop.js";

const DIRECTORY = "/data";

function directory(what) {
    const found = preopens.getDirectories().find(([, name]) => name === DIRECTORY);
    if (found) return found[0];
    throw new Failure(
        `cannot ${what} the notes\n  because no directory is granted as ${DIRECTORY}\n` +
            "hint: grant one: loop run --dir ./data::/data, or `dirs` in loop.yaml",
    );
}

/* An error code of wasi:filesystem, wherever the bindings put it. */
function codeOf(error) {
    return typeof error === "string" ? error : (error.payload ?? error.message ?? String(error));
}

function open(what, openFlags, flags) {
    try {
        return directory(what).openAt({ symlinkFollow: true }, "notes.txt", openFlags, flags);
    } catch (error) {
        if (error instanceof Failure) throw error;
        const code = codeOf(error);
        if (what === "read" && code === "no-entry") return null;
        const hint = ["access", "not-permitted", "read-only"].includes(code)
            ? "\nhint: the directory may be granted for reading only"
            : "";
        throw new Failure(`cannot ${what} ${DIRECTORY}/notes.txt\n  because: ${code}${hint}`);
    }
}

function add(text) {
    const line = encode(text + "\n");
    lend(open("write", { create: true }, { write: true }), (file) =>
        lend(file.appendViaStream(), (stream) => write(stream, line)),
    );
    print("noted");
}

function readAll(file) {
    const bytes = [];
    for (let end = false; !end; ) {
        const [chunk, last] = file.read(65536, bytes.length);
        for (const byte of chunk) bytes.push(byte);
        end = last || chunk.length === 0;
    }
    return decode(bytes);
}

function list() {
    const file = open("read", {}, { read: true });
    if (!file) return print("no notes yet");
    const lines = lend(file, readAll).split("\n");
    if (lines[lines.length - 1] === "") lines.pop();
    lines.forEach((line, i) => print(`${i + 1}  ${line}`));
}

export const run = command(([verb, ...words]) => {
    if (verb === "add" && words.length > 0) add(words.join(" "));
    else if (verb === "list" && words.length === 0) list();
    else throw new Usage("notes add TEXT...\n       notes list");
});
