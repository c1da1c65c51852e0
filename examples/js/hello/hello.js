/* hello [NAME]: greets, says what the host gives it, writes one log entry. */
import capabilities from "loop:core/capabilities";
import { command, logEntry, print } from "../../../sdk/js/loop.js";

export const run = command(([name = "world"]) => {
    print(`Hello, ${name}!`);
    const available = capabilities
        .list()
        .filter((c) => c.available && c.name.startsWith("loop:"))
        .map((c) => `${c.name} (${c.provider})`);
    print(`loop gives: ${available.join(", ") || "nothing of its own"}`);
    logEntry("info", "hello", "greeted", { name, capabilities: available.length });
});
