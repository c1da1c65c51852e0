"""Installing, end to end: the command against registries in folders, with what goes wrong on the way.

A registry here is an OCI image layout that this file writes: a second writer of the format, so that
what loop reads is not only what loop wrote. INSTALL_KILLS is how often an install is killed (200 by
hand; fewer in a run of all tests).
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import common
from .common import Result

CACHES = 40  # that the installs which are killed share
WASM = b"\0asm\x0d\0\1\0"  # how a component begins


class Wrong(Exception):
    """What happened is not what must."""


# ---- a registry ----

def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def component(seed, size=0):
    """Bytes that begin as a component does: a custom section of `size` bytes."""
    body = b"\x01x" + random.Random(seed).randbytes(size)
    n, length = len(body), b""
    while True:
        length += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            break
    return WASM + b"\0" + length + body


class Registry:
    """An OCI image layout with any number of packages."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "blobs/sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.manifests = []
        self.write()

    def blob(self, data):
        digest = digest_of(data)
        (self.folder / "blobs/sha256" / digest[7:]).write_bytes(data)
        return {"digest": digest, "size": len(data)}

    def publish(self, name, version, data=None, requires=None, yanked=None, blobs=True):
        data = data if data is not None else component(f"{name} {version}")
        put = self.blob if blobs else lambda b: {"digest": digest_of(b), "size": len(b)}
        wasm = put(data)
        config = put(json.dumps({"created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
                                 "layerDigests": [wasm["digest"]],
                                 "component": {"exports": [], "imports": []}}).encode())
        notes = {"loop.name": name, "org.opencontainers.image.version": version}
        if requires:
            notes["loop.requires"] = json.dumps(requires)
        manifest = put(json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.wasm.config.v0+json"} | config,
            "layers": [{"mediaType": "application/wasm"} | wasm], "annotations": notes}).encode())
        says = {"org.opencontainers.image.ref.name": version, "loop.name": name,
                "loop.content": wasm["digest"], "loop.size": str(wasm["size"])}
        if requires:
            says["loop.requires"] = json.dumps(requires)
        if yanked:
            says["loop.yanked"] = yanked
        self.manifests.append({"mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "annotations": says} | manifest)
        return wasm["digest"]

    def yank(self, name, version, reason):
        for m in self.manifests:
            if m["annotations"]["loop.name"] == name and \
                    m["annotations"]["org.opencontainers.image.ref.name"] == version:
                m["annotations"]["loop.yanked"] = reason
        self.write()

    def write(self):
        new = self.folder / "index.new"
        new.write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))
        new.rename(self.folder / "index.json")


# ---- a workspace ----

class Workspace:
    """A folder with a loop.yaml, and the command in it."""

    def __init__(self, world, folder, text, cache=None, home=None):
        self.world, self.folder = world, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = Path(home or self.folder.parent / "home")
        self.home.mkdir(exist_ok=True)
        self.cache = Path(cache or self.folder.parent / "cache")
        (self.folder / "loop.yaml").write_text(text)

    def environment(self):
        return self.world.environment(self.home) | {"LOOP_CACHE_DIR": str(self.cache)}

    def loop(self, *words, status=0, preexec=None):
        """Standard output; its errors where another status is expected."""
        p = subprocess.run([str(self.world.build / "loop"), *words], cwd=self.folder,
                           env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=common.LONGEST, preexec_fn=preexec)
        out, err = p.stdout.decode(), p.stderr.decode()
        if p.returncode != status:
            raise Wrong(f"loop {' '.join(words)}: status {p.returncode}, not {status}\n{out}{err}")
        return out if status == 0 else err

    def lock(self):
        path = self.folder / "loop.lock"
        return path.read_text() if path.exists() else None

    def yaml(self):
        return (self.folder / "loop.yaml").read_text()


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def has(text, *pieces):
    for piece in pieces:
        expect(piece in text, f"'{piece}' is not in:\n{text}")


def near(more=""):
    return f"loop: 1\nregistries: {{ default: near, known: {{ near: {{ layout: ../registry }} }} }}\n{more}"


def asks(**components):
    return "components:\n" + "".join(f"  {k}: {{ package: \"{v}\" }}\n" for k, v in components.items())


def bad_blobs(cache):
    """Names in the cache's folders of whole blobs whose bytes are not those."""
    return [str(p) for p in Path(cache).glob("packages/*/blobs/*")
            if hashlib.sha256(p.read_bytes()).hexdigest() != p.name]


# ---- what must hold ----

def offline(world, tmp):
    """Catches: a run or an install that needs its registry although everything is here."""
    r = Registry(tmp / "registry")
    hello = (world.components / "examples/c-hello.wasm").read_bytes()
    r.publish("acme:hello", "1.0.0", hello, {"acme:base": "^1"})
    r.publish("acme:base", "1.0.0")
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(hello="acme:hello@^1")))
    w.loop("install")
    lock = w.lock()
    (tmp / "registry").rename(tmp / "gone")
    has(w.loop("run", "hello"), "Hello, world!")
    w.loop("install", "--frozen", "--offline")
    w.loop("install")
    has(w.loop("list"), "acme:base", "acme:hello 1.0.0")
    w.loop("update", status=66)
    expect(w.lock() == lock, "loop.lock changed without its registry")
    has(w.loop("add", "acme:other", status=66), "hint:")
    expect(w.yaml() == near(asks(hello="acme:hello@^1")), "loop.yaml changed by an add that failed")


def no_network(world, tmp):
    """Catches: a connection although somebody said --offline, or although a run needs none."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port, calls, end = listener.getsockname()[1], [], threading.Event()

    def serve():
        while not end.is_set():
            try:
                calls.append(listener.accept()[0].close())
            except TimeoutError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        text = "loop: 1\nregistries: { default: site, known: { site: { http: \"http://127.0.0.1:%d\" } } }\n" % port
        w = Workspace(world, tmp / "ws", text + asks(ui="acme:ui"))
        has(w.loop("install", "--offline", status=69), "offline", "hint:")
        w.loop("run", "ui", status=66)
        w.loop("run", "acme:ui", status=66)
        w.loop("list", "--offline")
        w.loop("add", "acme:x", "--offline", status=69)
        expect(not calls, f"{len(calls)} connections, and there must be none")
        w.loop("install", status=69)
        expect(calls, "the registry was not asked at all: this test shows nothing")
    finally:
        end.set()
        thread.join()
        listener.close()


def flipped(world, tmp):
    """Catches: a component that runs with other bytes than its digest says."""
    r = Registry(tmp / "registry")
    hello = (world.components / "examples/c-hello.wasm").read_bytes()
    digest = r.publish("acme:hello", "1.0.0", hello)
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(hello="acme:hello")))
    w.loop("install")
    w.loop("run", "hello")
    for offset in (0, len(hello) // 2, len(hello) - 1):
        blob = next(Path(w.cache).glob(f"packages/*/blobs/{digest[7:]}"))
        blob.chmod(0o600)
        data = bytearray(blob.read_bytes())
        data[offset] ^= 1
        blob.write_bytes(data)
        has(w.loop("run", "hello", status=65), "acme:hello 1.0.0", "is damaged", "`loop install`")
        has(w.loop("run", "hello", status=66), "`loop install`")
        w.loop("install", "--frozen")
        has(w.loop("run", "hello"), "Hello, world!")
    expect(not bad_blobs(w.cache), "a damaged blob is still called whole")


def yanked(world, tmp):
    """Catches: a yanked version that is chosen, or taken from those who have it."""
    r = Registry(tmp / "registry")
    r.publish("acme:ui", "1.0.0")
    r.publish("acme:ui", "1.1.0")
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(ui="acme:ui@^1")))
    w.loop("install")
    r.yank("acme:ui", "1.1.0", "it loses data")
    w.loop("install")
    has(w.lock(), '"1.1.0"')
    has(w.loop("list", "--newest"), "acme:ui 1.1.0", "it loses data", "1.0.0")
    shutil.rmtree(w.cache)
    w.loop("install", "--frozen")
    fresh = Workspace(world, tmp / "fresh", near(asks(ui="acme:ui@^1")))
    fresh.loop("install")
    has(fresh.lock(), '"1.0.0"')
    w.loop("update")
    has(w.lock(), '"1.0.0"')


def another_machine(world, tmp):
    """Catches: a lock that means something else where registries have other names and places."""
    r = Registry(tmp / "registry")
    r.publish("acme:ui", "1.0.0", requires={"acme:base": "*"})
    r.publish("acme:base", "1.0.0")
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(ui="acme:ui")))
    w.loop("install")
    r.publish("acme:base", "1.1.0")
    r.write()
    shutil.copytree(tmp / "registry", tmp / "mirror")
    text = w.yaml().replace("near", "mirror").replace("../registry", "../mirror")
    other = Workspace(world, tmp / "other", text, cache=tmp / "cache2", home=tmp / "home2")
    (other.folder / "loop.lock").write_text(w.lock())
    other.loop("install", "--frozen")
    other.loop("install")
    expect(other.lock() == w.lock(), f"loop.lock changed:\n{other.lock()}")
    # what it says of a registry sends nobody anywhere
    (other.folder / "loop.lock").write_text(w.lock().replace('"near"', '"https://127.0.0.1:9"'))
    shutil.rmtree(other.cache)
    other.loop("install", "--frozen")


def overrides(world, tmp):
    """Catches: a package that is fetched or run although a local file is in its place."""
    r = Registry(tmp / "registry")
    r.publish("acme:app", "1.0.0", requires={"acme:hello": "^9"})
    r.write()
    shutil.copy(world.components / "examples/c-hello.wasm", tmp / "hello.wasm")
    w = Workspace(world, tmp / "ws", near(
        asks(app="acme:app", hello="acme:hello@^9") + "  mine: { package: acme:other, path: ../hello.wasm }\n"
        "overrides: { \"acme:hello\": ../hello.wasm }\n"))
    out = w.loop("install")
    has(out, "acme:app", "the file")
    expect("acme:hello" not in w.lock() and "acme:other" not in w.lock(), w.lock())
    has(w.loop("run", "hello"), "Hello, world!")
    has(w.loop("run", "mine"), "Hello, world!")
    w.loop("install", "--frozen")
    (tmp / "hello.wasm").unlink()
    has(w.loop("run", "hello", status=66), "in the place of 'acme:hello'", "hint:")


def trust(world, tmp):
    """Catches: trust that an edit gives to a file that had none, or takes from one that had it."""
    r = Registry(tmp / "registry")
    r.publish("acme:ui", "1.0.0")
    r.write()
    ask = near("bind: { \"acme:dice/roller\": { library: dice.so } }\n")
    w = Workspace(world, tmp / "ws", ask)
    listed = lambda: w.loop("trust", "--list")
    w.loop("add", "acme:ui")
    expect("trusted" not in listed(), "an edit made a workspace trusted")
    w.loop("remove", "ui")
    w.loop("trust", "--yes")
    w.loop("add", "acme:ui")
    has(listed(), "trusted")
    w.loop("remove", "ui")
    has(listed(), "trusted")
    # somebody else's edit was not seen: it is not made trusted by the next of loop's own
    with open(w.folder / "loop.yaml", "a") as f:
        f.write("# by hand\n")
    w.loop("add", "acme:ui")
    expect("changed" in listed(), listed())


def frozen(world, tmp):
    """Catches: --frozen that chooses, or that is content with less than what is asked for."""
    r = Registry(tmp / "registry")
    for v in ("1.0.0", "2.0.0"):
        r.publish("acme:ui", v)
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(ui="acme:ui@^1")))
    has(w.loop("install", "--frozen", status=78), "there is no", "hint:")
    expect(w.lock() is None, "--frozen wrote loop.lock")
    w.loop("install")
    lock = w.lock()
    (w.folder / "loop.yaml").write_text(near(asks(ui="acme:ui@^2")))
    has(w.loop("install", "--frozen", status=78), "acme:ui ^2, and it has 1.0.0")
    has(w.loop("run", "ui", status=66), "has acme:ui 1.0.0, and loop.yaml asks for acme:ui@^2")
    expect(w.lock() == lock, "--frozen wrote loop.lock")
    # a clone without its lock runs nothing that happens to be in the cache
    (w.folder / "loop.lock").unlink()
    has(w.loop("run", "ui", status=66), "there is no 'loop.lock', which says what acme:ui@^2 is")
    # a lock with other bytes
    w.loop("install")
    (w.folder / "loop.lock").write_text(w.lock().replace("sha256:", "sha256:0", 1)[:-2] + "\n")
    has(w.loop("install", status=78), "loop.lock:", "hint:")


def by_name(world, tmp):
    """Catches: a package that cannot be run without a workspace, or only with its registry."""
    r = Registry(tmp / "registry")
    hello = (world.components / "examples/c-hello.wasm").read_bytes()
    r.publish("acme:hello", "1.0.0", hello)
    r.publish("acme:hello", "1.1.0", hello)
    r.write()
    home = tmp / "home"
    (home / ".config/loop").mkdir(parents=True)
    (home / ".config/loop/registries.yaml").write_text(
        f"default: near\nknown: {{ near: {{ layout: {tmp}/registry }} }}\n")
    w = Workspace(world, tmp / "ws", "loop: 1\n", home=home)
    (w.folder / "loop.yaml").unlink()
    has(w.loop("run", "acme:hello", status=66), "is in the cache", "`loop install 'acme:hello'`")
    w.loop("install", "acme:hello@=1.0.0")
    expect(w.lock() is None, "a lock without a workspace")
    (tmp / "registry").rename(tmp / "gone")
    has(w.loop("run", "acme:hello"), "Hello, world!")
    w.loop("run", "acme:hello@=1.1.0", status=66)
    w.loop("install", status=64)


def from_file(world, tmp):
    """Catches: an archive that `loop pack` made and `loop install` does not take."""
    r = Registry(tmp / "registry")
    r.publish("acme:base", "1.0.0")
    r.write()
    w = Workspace(world, tmp / "ws", near(
        "package: { name: \"acme:hello\", version: 1.0.0, requires: { \"acme:base\": \"^1\" } }\n"
        "components: { hello: { path: hello.wasm } }\n"))
    shutil.copy(world.components / "examples/c-hello.wasm", w.folder / "hello.wasm")
    w.loop("pack")
    has(w.loop("install", "build/acme-hello-1.0.0.tar"), "acme:hello", "acme:base")
    has(w.loop("run", "acme:hello"), "Hello, world!")
    bad = bytearray((w.folder / "build/acme-hello-1.0.0.tar").read_bytes())
    at = bad.find(b"\0asm") + 5000
    bad[at] ^= 1
    (w.folder / "bad.tar").write_bytes(bad)
    shutil.rmtree(w.cache)
    has(w.loop("install", "./bad.tar", status=65), "bad.tar")
    w.loop("run", "acme:hello", status=66)


def together(world, tmp):
    """Catches: two installs at once that damage the cache, or loop.lock, or lose an add."""
    r = Registry(tmp / "registry")
    for i in range(8):
        r.publish(f"acme:p{i}", "1.0.0", component(i, 200_000), {"acme:base": "*"})
    r.publish("acme:base", "1.0.0", component("base", 500_000))
    r.write()
    one = Workspace(world, tmp / "one", near(asks(**{f"p{i}": f"acme:p{i}" for i in range(8)})))
    many = [Workspace(world, tmp / f"ws{i}", near(asks(a=f"acme:p{i}", b=f"acme:p{(i + 1) % 8}")))
            for i in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda w: w.loop("install"), [one] * 4 + many))
    expect(one.lock().count("- name:") == 9, one.lock())
    expect(not bad_blobs(one.cache), "a blob is not what its name says")
    adds = Workspace(world, tmp / "adds", near())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: adds.loop("add", f"acme:p{i}"), range(8)))
    expect(adds.yaml().count("package:") == 8, adds.yaml())
    expect(adds.lock().count("- name:") == 9, adds.lock())


def full_disk(world, tmp):
    """Catches: a write that fails half way and is taken for done, or takes what there was along.

    A limit of file size stands for the disk: what goes beyond it fails as there."""
    def limit(n):
        def set_up():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
        return set_up

    r = Registry(tmp / "registry")
    r.publish("acme:ui", "1.0.0", component("ui", 1000))
    r.publish("acme:big", "1.0.0", component("big", 300_000))
    r.write()
    w = Workspace(world, tmp / "ws", near(asks(ui="acme:ui")))
    w.loop("install")
    lock, text = w.lock(), w.yaml()
    has(w.loop("add", "acme:big", status=74, preexec=limit(100_000)), "error:")
    expect(w.lock() == lock and w.yaml() == text, "a failed add changed loop.lock or loop.yaml")
    # the component is there, and loop.lock cannot be written
    w.loop("install", "acme:big")
    has(w.loop("add", "acme:big", status=74, preexec=limit(256)), "cannot write")
    expect(w.lock() == lock and w.yaml() == text, "a failed write changed loop.lock or loop.yaml")
    left = [p.name for p in w.folder.iterdir()]
    expect(sorted(left) == ["loop.lock", "loop.yaml"], f"left behind: {left}")
    w.loop("add", "acme:big")
    expect(not bad_blobs(w.cache), "a blob is not what its name says")


# ---- killed ----

def one_kill(world, tmp, registry_text, old, seed):
    """One install that is killed before its end, and what it leaves; how many tries that took."""
    chance, longest = random.Random(seed), 0.3
    for tries in range(1, 20):
        # half of them begin with nothing, the others share what earlier ones have left
        shared = chance.random() < 0.5
        cache = tmp / (f"cache{seed % CACHES}" if shared else f"own{seed}-{tries}")
        w = Workspace(world, tmp / f"ws{seed}-{tries}", registry_text, cache=cache)
        if chance.random() < 0.3:
            (w.folder / "loop.lock").write_text(old)
        process = subprocess.Popen([str(world.build / "loop"), "install"], cwd=w.folder,
                                   env=w.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        time.sleep(chance.random() * longest)
        ended = process.poll() is not None
        process.kill()
        process.wait()
        lock, bad = w.lock(), bad_blobs(cache)
        if lock and not lock.endswith('"\n'):
            raise Wrong(f"seed {seed}: loop.lock was cut:\n{lock}")
        if bad:
            raise Wrong(f"seed {seed}: the cache lies of {bad}")
        if not shared and (ended or chance.random() < 0.9):
            common.remove(cache)
        if not ended:
            return tries, w
        longest = max(longest / 2, 0.01)
    raise Wrong(f"seed {seed}: no install was killed before its end")


def killed(world, tmp):
    """Catches: a name in the cache before its bytes are whole, a lock written in place.

    After each kill every blob that has its name must have its bytes, and loop.lock be whole; at the
    end the next install must find its way with whatever lies there."""
    kills = int(os.environ.get("INSTALL_KILLS", "24"))
    r = Registry(tmp / "registry")
    text, locks = near(asks(first="acme:p0@^1")), []
    for version, size in (("1.0.0", 200_000), ("1.1.0", 400_000)):
        for i in range(12):
            r.publish(f"acme:p{i}", version, component(f"{i} {version}", size),
                      {f"acme:p{i + 1}": "*"} if i < 11 else None)
        r.write()
        good = Workspace(world, tmp / f"good-{version}", text, cache=tmp / f"good-cache-{version}")
        good.loop("install")
        locks.append(good.lock())
    old, want = locks
    start = int(os.environ.get("SEED", random.randrange(10 ** 6)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: one_kill(world, tmp, text, old, start + i), range(kills)))
    for _, w in found:
        w.loop("install")
        expect(w.lock() in (old, want), f"a lock that nobody would write:\n{w.lock()}")
    for cache in tmp.glob("cache*"):
        expect(not bad_blobs(cache), f"'{cache}' lies")
    tries = sum(n for n, _ in found)
    print(f"# {len(found)} installs were killed before their end, of {tries}; SEED={start}")


def job(world, check):
    def run():
        tmp = common.fresh_folder(world, f"installing-{check.__name__}-")
        name = f"installing/{check.__name__.replace('_', '-')}"
        try:
            check(world, tmp)
            return Result(name)
        except (Wrong, subprocess.TimeoutExpired) as e:
            return Result(name, False, str(e))
        finally:
            common.remove(tmp)
    run.__name__ = check.__name__
    return run


def jobs(world):
    checks = [offline, no_network, flipped, yanked, another_machine, overrides, trust, frozen, by_name,
              from_file, together, full_disk, killed]
    return [job(world, c) for c in checks if world.pattern in c.__name__]
