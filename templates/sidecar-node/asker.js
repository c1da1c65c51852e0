/*
 * asker PLACE...: asks scaffold-name for the weather of places. A component: it runs in loop, without Node.
 */
import { now } from "scaffold-space:scaffold-name/api";
import { command, Failure, print } from "./loop-sdk/loop.js";

export const run = command((places) => {
    for (const place of places) {
        let reading;
        try {
            reading = now(place);
        } catch (error) {
            throw new Failure(`'${place}': ${String(error.payload ?? error).replace("-", " ")}`);
        }
        print(`${place}: ${Math.round(reading.celsius)} degrees`);
    }
});
