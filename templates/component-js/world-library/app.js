/*
 * scaffold-name: greets, for others.
 *
 * What the world (wit/world.wit) exports is exported here, an object for each interface. A function
 * answers the `ok` of its result, and throws the `error`: of an enum, the name of the case.
 */
import { greeting } from "./greeting.js";

const LONGEST = 64; // letters of a name: what comes from others has a limit

export const api = {
    /** @param {string} name */
    greet(name) {
        if (!name) throw "no-name";
        if (name.length > LONGEST) throw "too-long";
        return greeting(name);
    },
};
