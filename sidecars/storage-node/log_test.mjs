/* The log over a disk that is slow, fails, or is full: node:fs with some of its functions replaced. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

const real = {
    fdatasync: fs.fdatasync, fsyncSync: fs.fsyncSync, writeSync: fs.writeSync, renameSync: fs.renameSync,
};
const disk = {}; // what a test replaces
fs.fdatasync = (fd, done) => (disk.fdatasync ?? real.fdatasync)(fd, done);
fs.fsyncSync = (fd) => (disk.fsyncSync ?? real.fsyncSync)(fd);
fs.writeSync = (...args) => (disk.writeSync ?? real.writeSync)(...args);
fs.renameSync = (...args) => (disk.renameSync ?? real.renameSync)(...args);
const { Log } = await import("./log.js");
const { Restorer, save } = await import("./state.js");

const put = (key, val) => ({ key, condition: { tag: "always" }, change: { tag: "set", val: Buffer.from(val) } });
const set = (log, key, value) => log.write("me", 1 << 30, "b", [put(key, value)]);
const value = (log, key) => log.read("me", "b", [key])[0]?.value.toString();
const failure = (code) => Object.assign(new Error(code), { code });

/** A log of its own, with a key; `again` opens it anew. */
function withLog(name, check) {
    test(name, async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "loop-log-"));
        let log = await Log.open(path.join(folder, "log"));
        const again = async () => {
            await log.close();
            return (log = await Log.open(path.join(folder, "log")));
        };
        try {
            await set(log, "old", "1");
            await check(log, again, path.join(folder, "log"));
        } finally {
            for (const part of Object.keys(disk)) delete disk[part];
            await log.close();
            fs.rmSync(folder, { recursive: true });
        }
    });
}

withLog("what is acknowledged has been synced, and is not seen before", async (log, again, file) => {
    let synced = 0;
    disk.fdatasync = (fd, done) => {
        const { size } = fs.fstatSync(fd);
        setTimeout(() => real.fdatasync(fd, (why) => ((synced = size), done(why))), 20);
    };
    const writes = Array.from({ length: 20 }, async (_, i) => {
        const before = fs.statSync(file).size;
        await set(log, `k${i}`, "x".repeat(1000));
        assert.ok(synced > before && synced >= 1000 * (i + 1), `${i} was acknowledged with ${synced} bytes synced`);
        assert.ok(value(log, `k${i}`));
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(value(log, "k0"), undefined);
    await Promise.all(writes);
});

withLog("writes that come meanwhile are synced together", async (log) => {
    let syncs = 0;
    disk.fdatasync = (fd, done) => (syncs++, setTimeout(() => real.fdatasync(fd, done), 10));
    await Promise.all(Array.from({ length: 100 }, (_, i) => set(log, `k${i}`, "v")));
    assert.ok(syncs <= 3, `${syncs} syncs`);
});

withLog("a sync that fails is an error, and nothing has changed", async (log, again) => {
    let fails = 1;
    disk.fdatasync = (fd, done) => (fails-- > 0 ? done(failure("EIO")) : real.fdatasync(fd, done));
    await assert.rejects(set(log, "old", "2"), (why) => why.code === "failed" && why.message.includes("EIO"));
    assert.equal(value(log, "old"), "1");
    await set(log, "new", "3");
    log = await again();
    assert.deepEqual([value(log, "old"), value(log, "new")], ["1", "3"]);
});

withLog("a full disk is an error that passes", async (log, again) => {
    let room = 1500;
    disk.writeSync = (fd, data, from, n, at) => {
        if (room === 0) throw failure("ENOSPC");
        const some = Math.min(n, room); // by half, as a disk does
        room -= some;
        return real.writeSync(fd, data, from, some, at);
    };
    await assert.rejects(set(log, "big", "x".repeat(5000)), /make room/);
    assert.equal(value(log, "old"), "1");
    room = Infinity;
    await set(log, "new", "3");
    log = await again();
    assert.deepEqual([value(log, "old"), value(log, "new"), value(log, "big")], ["1", "3", undefined]);
});

withLog("a log that is mostly of no use is made smaller, and reads go on", async (log, again, file) => {
    for (let i = 0; i < 12; i++) {
        const write = set(log, "big", `${i}`.repeat(1 << 20));
        assert.equal(value(log, "old"), "1");
        await write;
    }
    const version = log.read("me", "b", ["big"])[0].version;
    await set(log, "new", "3"); // behind what was made smaller
    assert.ok(fs.statSync(file).size < 7 << 20, `${fs.statSync(file).size} bytes`);
    log = await again();
    assert.deepEqual([value(log, "old"), value(log, "new"), value(log, "big").length], ["1", "3", 2 << 20]);
    assert.equal(log.read("me", "b", ["big"])[0].version, version);
});

withLog("a log that cannot be made smaller goes on as it is", async (log, again, file) => {
    disk.renameSync = () => {
        throw failure("EACCES");
    };
    for (let i = 0; i < 12; i++) await set(log, "big", `${i % 10}`.repeat(1 << 20));
    assert.ok(fs.statSync(file).size > 12 << 20);
    assert.equal(fs.existsSync(`${file}.new`), false);
    log = await again();
    assert.deepEqual([value(log, "old"), value(log, "big")[0]], ["1", "1"]);
});

withLog("what was begun while the process ended is not taken for a log", async (log, again, file) => {
    fs.writeFileSync(`${file}.new`, "loopkv 1 and half a record");
    log = await again();
    assert.equal(value(log, "old"), "1");
    assert.equal(fs.existsSync(`${file}.new`), false);
});

/** The state of a log into another one beside it, which `check` gets. */
function withBoth(name, check) {
    withLog(name, async (log, again, file) => {
        const next = await Log.open(`${file}.2`);
        try {
            await check(next, (restorer) => restorer.restore("whole", (async function* () {
                yield* save(log, "whole");
            })()), () => fs.readdirSync(path.dirname(file)));
        } finally {
            await next.close();
        }
    });
}

withBoth("what was restored is synced before it has its name, and its name before it is acknowledged", async (next, restored) => {
    const events = [];
    disk.fdatasync = (fd, done) => setTimeout(() => real.fdatasync(fd, (why) => (events.push("sync"), done(why))), 10);
    disk.renameSync = (...args) => (events.push("rename"), real.renameSync(...args));
    disk.fsyncSync = (fd) => (events.push(fs.fstatSync(fd).isDirectory() ? "folder" : "file"), real.fsyncSync(fd));
    await restored(new Restorer(next));
    assert.deepEqual(events, ["sync", "rename", "folder"]);
    assert.equal(value(next, "old"), "1");
});

for (const [part, why, fails] of [
    ["fdatasync", /EIO/, (fd, done) => done(failure("EIO"))],
    ["renameSync", /EACCES/, () => { throw failure("EACCES"); }],
    ["writeSync", /ENOSPC/, () => { throw failure("ENOSPC"); }],
])
    withBoth(`a restore whose ${part} fails has changed nothing`, async (next, restored, files) => {
        const restorer = new Restorer(next);
        disk[part] = fails;
        await assert.rejects(restored(restorer), why);
        delete disk[part];
        assert.ok(next.empty);
        assert.deepEqual(files(), ["log", "log.2"]);
        await restored(restorer);
        assert.equal(value(next, "old"), "1");
        await set(next, "new", "2");
        assert.equal(value(next, "new"), "2");
    });
