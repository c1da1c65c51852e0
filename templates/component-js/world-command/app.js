/*
 * scaffold-name [NAME]: greets, and writes a log entry.
 *
 * A component in JavaScript has the language and no more: no console, no fetch, no Node. What else
 * there is, it imports: loop-sdk/loop.js has the everyday of it, and any interface that
 * wit/world.wit names can be imported by its name ("loop:core/capabilities").
 */
import { command, logEntry, print } from "./loop-sdk/loop.js";
import { greeting } from "./greeting.js";

export const run = command(([name = "world"]) => {
    print(greeting(name));
    logEntry("info", "scaffold-name", "greeted", { name });
});
