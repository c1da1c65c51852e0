/*
 * A provider of scaffold-space:scaffold-name/api (wit/scaffold_name.wit) for loop, as a Node program. In loop.yaml:
 *
 *     bind:
 *       scaffold-space:scaffold-name/api: { sidecar: [node, scaffold_name.js], warmer: 2 }
 */
import { Err, parseType, serve } from "./loop-sidecar/sidecar.js"; // first: it takes stdout, which carries frames

const READING = "record{celsius:f32,wind:option<f32>}";
const DIARY = "scaffold-space:scaffold-name/api.diary";
const DIARY_STATE = parseType(`record{place:string,readings:list<${READING}>}`);

let warmer = 0;

class Diary {
    readings = [];

    constructor(place) {
        this.place = place;
    }

    /** For another provider that takes this one's place, and from one: `diary-state` of wit/scaffold_name.wit. */
    save() {
        return DIARY_STATE.encode(this);
    }

    static restore(bytes) {
        return Object.assign(new Diary(), DIARY_STATE.decode(bytes));
    }

    warmest() {
        return this.readings.reduce((a, b) => (a && a.celsius >= b.celsius ? a : b), undefined);
    }
}

/** Ask a real service here: a function may be async, and `call.signal` aborts a fetch in time. */
async function now(place, call) {
    if (!place) throw new Err("unknown-place");
    call.log("debug", "looked out of the window", { place });
    return { celsius: [...place].length + warmer, wind: place.includes(" ") ? 3.5 : undefined };
}

await serve({
    name: "scaffold-name", version: "0.1.0", summary: "the weather by the length of a name",
    options: { warmer: { type: "number", fallback: "0", help: "degrees to add" } },
    open(host) {
        warmer = host.options.warmer;
    },
    interfaces: {
        "scaffold-space:scaffold-name/api@0.1.0": {
            functions: {
                now: [`(string)->result<${READING},enum{unknown-place,no-answer}>`, now],
                "open-diary": [`(string)->own<${DIARY}>`, (place) => new Diary(place)],
                "[method]diary.note": [`(borrow<${DIARY}>,${READING})`, (diary, what) => void diary.readings.push(what)],
                "[method]diary.warmest": [`(borrow<${DIARY}>)->option<${READING}>`, (diary) => diary.warmest()],
            },
            resources: {
                diary: {
                    drop: (diary) => console.log(`the diary of ${diary.place} is closed`),
                    save: (diary) => diary.save(),
                    restore: Diary.restore,
                },
            },
        },
    },
});
