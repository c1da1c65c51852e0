/*
 * A JavaScript module as a component: componentize-qjs, with a detour.
 *
 *   node tools/guest_js.mjs COMPONENTIZE-QJS WORLD SOURCE.js OUTPUT.wasm
 *
 * componentize-qjs runs the module once, to keep its state in the component,
 * and links WASI of its own for that run. Interfaces that hand out WASI's
 * resources (loop:core/cancellation and wasi:http give pollables) cannot be
 * linked there. So it gets the world with WASI under a version nobody has: then
 * it stubs all of it alike. Afterwards the real version is put back, in place:
 * both are equally long.
 *
 * Modules import by name without version: "wasi:cli/stdout". Run from the
 * repository's root.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REAL = "@0.2.0", NOBODYS = "@9.2.0";

/* A world of which wit/command knows nothing, as a component's author writes one. */
const STORAGE_COMMAND = `world storage-command {
    include command;
    import loop:storage/store@0.1.0;
}
`;

/* The world's package with its dependencies, WASI renamed: a folder as tools want it. */
function renamedWit(folder) {
    cpSync("wit/command", folder, { recursive: true });
    cpSync("wit/core", join(folder, "deps/loop-core"), { recursive: true });
    cpSync("wit/storage", join(folder, "deps/loop-storage"), { recursive: true });
    writeFileSync(join(folder, "storage-command.wit"), STORAGE_COMMAND);
    for (const name of readdirSync("wit/deps"))
        if (/^wasi-[a-z]+-0\.2\.0$/.test(name))
            cpSync(join("wit/deps", name), join(folder, "deps", name), { recursive: true });
    for (const name of readdirSync(folder, { recursive: true })) {
        if (!name.endsWith(".wit")) continue;
        const text = readFileSync(join(folder, name), "utf8");
        writeFileSync(join(folder, name), text.replaceAll(REAL, NOBODYS));
    }
}

const [tool, world, source, output] = process.argv.slice(2);
if (!output) {
    console.error("usage: guest_js.mjs COMPONENTIZE-QJS WORLD SOURCE.js OUTPUT.wasm");
    process.exit(2);
}
const temp = mkdtempSync(join(tmpdir(), "loop-js-"));
try {
    const wit = join(temp, "wit"), renamed = join(temp, "renamed.wasm");
    renamedWit(wit);
    execFileSync(
        tool,
        ["--wit", wit, "--world", world, "--js", source, "--module-root", ".", "--sync",
            "--output", renamed],
        { stdio: ["ignore", "ignore", "inherit"] },
    );
    const bytes = readFileSync(renamed, "latin1").replaceAll(NOBODYS, REAL);
    writeFileSync(output, bytes, "latin1");
} finally {
    rmSync(temp, { recursive: true });
}
