/*
 * scaffold-name [N]: counts to N (3), ten times a second.
 *
 * loop calls these functions and never waits in them: each answers when it wants to be called
 * again. wit/deps/loop-core/app.wit says what each is for.
 */
import { log } from "loop:core/logging";

const EVERY_MS = 100;
const inAWhile = { tag: "timer", val: EVERY_MS };

let count = 0;
let last = 3;

/** @param {string} text */
function say(text) {
    log("info", "scaffold-name", text, []);
}

export const app = {
    /** @param {string[]} args the first is the program's name */
    start([, text = "3"]) {
        last = Number(text);
        if (!(last > 0)) throw "give it a number to count to";
        return inAWhile;
    },

    /** @param {{ tag: string }[]} events */
    event(events) {
        for (const { tag } of events) {
            if (tag === "timer") say(`tick ${++count}`);
            else if (tag === "cancelled") return { tag: "exit", val: 1 }; // somebody pressed Ctrl-C
        }
        return count < last ? inAWhile : { tag: "exit", val: 0 };
    },

    /** Nothing is drawn. */
    frame() {
        return inAWhile;
    },

    /** The last call: what must be kept is written here. */
    stop() {
        say("that was all");
    },
};
