"""Registries: publishing at real ones and fetching from them, from good web servers and from bad
ones. Each case says which broken program it catches."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import common
from .common import Result
from .registry_servers import (PASSWORD, USER, DockerRegistry, Site, cut, digest, package, padded,
                               self_signed, write_archive)

HAS_REGISTRY = shutil.which("docker-registry") is not None
CASES = []


class Wrong(Exception):
    """What came is not what should."""


def case(needs=()):
    def add(function):
        CASES.append((function, needs))
        return function
    return add


def jobs(world):
    for function, needs in CASES:
        name = "registries/" + function.__name__.replace("_", "-")
        if world.pattern and world.pattern not in name:
            continue
        missing = why_not(needs)
        if missing:
            yield lambda name=name, missing=missing: Result(name, skip=missing)
        else:
            yield lambda name=name, function=function: run(world, name, function)


def why_not(needs):
    if "docker" in needs and not HAS_REGISTRY:
        return "docker-registry is missing: tools/setup/apt.sh --tests"
    if "wkg" in needs and not wkg_program().exists():
        return "wkg is missing: tools/setup/wkg.sh"
    if "openssl" in needs and not shutil.which("openssl"):
        return "openssl is missing"
    return ""


def wkg_program():
    cache = os.environ.get("LOOP_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "loop")
    return Path(cache) / "wkg/bin/wkg"


def run(world, name, function):
    tmp = common.fresh_folder(world, "registries-")
    try:
        function(Desk(world, tmp))
        return Result(name)
    except Wrong as e:
        return Result(name, False, f"{e}\n")
    finally:
        common.remove(tmp)


def until(holds, process, what):
    """Waits for what a process does; a Wrong where it has ended before."""
    end = time.monotonic() + 120
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise Wrong(f"{what}; the command's status: {process.poll()}")
        time.sleep(0.01)


class Desk:
    """What a case works with: a folder, a component, the command."""

    def __init__(self, world, tmp):
        self.world, self.home, self.tmp = world, tmp, tmp / "work"
        self.tmp.mkdir()
        self.guest = world.components / "guests/args.wasm"
        self.component = self.guest.read_bytes()
        self.env = world.environment(tmp) | {
            "LOOP_CACHE_DIR": str(tmp / "cache"), "XDG_CONFIG_HOME": str(tmp / "config"),
            "no_proxy": "*"}

    def loop(self, *words, status=0, env=None):
        """What it printed, both streams."""
        command = [str(self.world.build / "loop"), *map(str, words)]
        got, out, err = common.run(command, cwd=self.tmp, env=self.env | (env or {}))
        text = out.decode(errors="replace") + err.decode(errors="replace")
        if got not in (status if isinstance(status, tuple) else (status,)):
            raise Wrong(f"loop {' '.join(map(str, words))}: {common.shown(got)}, not {status}:\n{text}")
        return text

    def says(self, text, *pieces):
        for piece in pieces:
            if piece not in text:
                raise Wrong(f"'{piece}' is not in:\n{text}")

    def forget(self):
        """As on another machine."""
        shutil.rmtree(self.home / "cache", ignore_errors=True)

    def archive(self, name="acme:notes", version="1.0.0", component=None, **more):
        files = package(name, version, component or self.component, **more)
        return write_archive(self.tmp / f"{name.replace(':', '-')}-{version}.tar", files)

    def layout(self, *archives):
        """A folder that `loop push` filled."""
        for archive in archives:
            self.loop("push", archive, "--to", "layout:./site")
        return self.tmp / "site"

    def pull(self, what, registry, output="got.wasm", status=0, env=None):
        (self.tmp / output).unlink(missing_ok=True)
        return self.loop("pull", what, "--from", registry, "--output", output, status=status, env=env)

    def same(self, output="got.wasm", component=None):
        if (self.tmp / output).read_bytes() != (component or self.component):
            raise Wrong(f"{output} has other bytes")

    def write(self, path, text, mode=0o644):
        own = path.startswith(("config/", ".docker/"))  # of the user, not of the workspace
        path = (self.home if own else self.tmp) / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path


# --- folders and layouts ------------------------------------------------------------------------

@case()
def folders_and_layouts_give_back_what_they_got(d):
    """Catches bytes that change on the way, and a version that can be replaced."""
    archive, other = d.archive(), d.tmp / "other.tar"
    write_archive(other, package("acme:notes", "1.0.0", padded(d.component, 10)))
    d.write("got.wasm.part", "of somebody else")
    for place in ("./folder", "layout:./layout"):
        d.says(d.loop("push", archive, "--to", place), "published acme:notes 1.0.0")
        d.loop("push", archive, "--to", place)  # the same bytes again are fine
        d.says(d.loop("push", other, "--to", place, status=77), "published with other bytes", "hint:")
        d.pull("acme:notes@1.0.0", place)
        d.same()
        d.says(d.pull("acme:notes@2", place, status=66), "has no acme:notes 2", "it has 1.0.0")
        d.says(d.pull("acme:other", place, status=66), "has no package 'acme:other'")
        d.forget()
        made, usual = (next((d.tmp / place.split("/")[1]).glob("*/*")), d.tmp)
        if made.stat().st_mode & 0o777 != usual.stat().st_mode & 0o777:
            raise Wrong(f"others cannot read {made}, and they can read its files")
    if (d.tmp / "got.wasm.part").read_text() != "of somebody else":
        raise Wrong("a file was written that nobody named")


@case()
def an_archive_is_pulled_as_it_was_pushed(d):
    """Catches a pull that writes what a push does not take."""
    d.loop("push", d.archive(requires={"acme:ui": "^1.2"}), "--to", "./one")
    d.loop("pull", "acme:notes@1.0.0", "--from", "./one")
    d.loop("push", "notes-1.0.0.tar", "--to", "./two")
    d.says(d.loop("pull", "acme:notes", "--from", "./one", status=64), "is there already")
    d.loop("pull", "acme:notes", "--from", "./two", "--output", "lay", "--layout")
    d.loop("push", "lay", "--to", "./three")
    d.pull("acme:notes", "./three")
    d.same()


@case()
def what_is_yanked_is_not_chosen(d):
    """Catches a yank that is forgotten, that takes bytes away, or that cannot be taken back."""
    for place in ("./folder", "layout:./layout"):
        for version in ("1.0.0", "1.1.0"):
            d.loop("push", d.archive(version=version), "--to", place)
        d.says(d.loop("push", "--yank", "acme:notes@1.1.0", "--to", place, status=64), "takes a reason")
        d.says(d.loop("push", "--yank", "acme:notes@1.1.0", "--reason", "\udcff", "--to", place, status=64),
               "UTF-8")
        d.loop("push", "--yank", "acme:notes@1.1.0", "--reason", "eats data", "--to", place)
        d.says(d.pull("acme:notes@^1", place), "acme:notes 1.0.0")
        d.says(d.pull("acme:notes@1.1.0", place), "it was taken back: eats data")
        d.loop("push", "--unyank", "acme:notes@1.1.0", "--to", place)
        d.says(d.pull("acme:notes@^1", place), "acme:notes 1.1.0")
        d.says(d.loop("push", "--yank", "acme:notes@3.0.0", "--reason", "x", "--to", place, status=66),
               "there is no acme:notes 3.0.0")


@case()
def what_is_published_is_checked_whole(d):
    """Catches documentation that goes out with other bytes, and a blob that is taken for the right
    one since it is as large."""
    shutil.copy(d.guest, d.tmp / "a.wasm")
    d.write("README.md", "# Notes of nobody else\n")
    d.write("loop.yaml", "loop: 1\ndefault: a\ncomponents:\n  a: { path: a.wasm }\n"
                         "package: { name: acme:notes, version: 1.0.0, docs: README.md }\n")
    d.loop("pack", "--output", "a.tar")
    good = (d.tmp / "a.tar").read_bytes()
    (d.tmp / "bad.tar").write_bytes(good.replace(b"# Notes of nobody else", b"# Notes of nobody eLse"))
    for place in ("./folder", "layout:./layout"):
        d.says(d.loop("push", "bad.tar", "--to", place, status=65), "was changed", digest(b"# Notes of nobody eLse\n"))
        d.pull("acme:notes", place, status=66)
        d.loop("push", "a.tar", "--to", place)
    for blob in (d.tmp / "layout/blobs/sha256").iterdir():
        data = blob.read_bytes()
        blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    d.loop("push", "a.tar", "--to", "layout:./layout")
    d.pull("acme:notes", "layout:./layout")
    d.same()


@case()
def a_folder_has_what_wkg_keeps_locally(d):
    """Catches a reader that only knows loop's own archives."""
    d.write("local/acme/notes/.keep", "")
    shutil.copy(d.guest, d.tmp / "local/acme/notes/2.0.0.wasm")
    d.pull("acme:notes", "./local")
    d.same()
    d.says(d.loop("pull", "acme:notes", "--from", "./local", status=69), "the component", "alone")


# --- the web ------------------------------------------------------------------------------------

@case()
def a_web_server_is_a_registry(d):
    """Catches questions that are asked again for nothing, and an ETag that is not sent."""
    with Site(d.layout(d.archive(), d.archive(version="1.1.0"))) as site:
        d.write("loop.yaml", "loop: 1\ncomponents: {}\nregistries:\n  default: site\n  known:\n"
                             f"    site: {{ http: '{site.url}' }}\n")
        d.loop("add", "acme:notes")
        if len(site.asked("index.json")) != 1:
            raise Wrong(f"asked for the index {len(site.asked('index.json'))} times")
        d.loop("update")
        tags = [r[2].get("If-None-Match") for r in site.asked("index.json")]
        if len(tags) != 2 or not tags[1]:
            raise Wrong(f"the second question had no tag: {tags}")
        blobs = len(site.asked("blobs"))
        d.loop("install")
        if len(site.asked("blobs")) != blobs:
            raise Wrong("what is in the cache was fetched again")
        d.says(d.loop("run", "notes", "hi"), "[hi]")


@case()
def a_transfer_that_is_cut_goes_on(d):
    """Catches a transfer that starts anew each time, one that puts pieces together wrong, and one
    that takes what was cut for whole."""
    random.seed(7)
    component = padded(d.component, 3 << 20)
    cuts = []

    def fault(request, path, body):
        if body != component or len(cuts) >= 6:
            return False
        start = int((request.headers.get("range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        n = random.randrange(1, len(body) - start)
        cuts.append((start, n))
        request.send_response(206 if start else 200)
        if start:
            request.send_header("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("content-length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start:start + n])
        request.wfile.flush()
        time.sleep(0.05)
        cut(request)
        return True

    with Site(d.layout(d.archive(component=component)), fault) as site:
        d.pull("acme:notes", site.url)
        d.same(component=component)
        if len(cuts) != 6 or not all(start for start, _ in cuts[1:]):
            raise Wrong(f"it did not go on where it was: {cuts}")


@case()
def a_run_that_was_killed_goes_on(d):
    """Catches a cache that loses what has come, or believes what it did not finish."""
    component = padded(d.component, 2 << 20)
    slow = [True]

    def fault(request, path, body):
        if body != component or not slow[0]:
            return False
        request.send_response(200)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        for at in range(0, len(body), 65536):
            request.wfile.write(body[at:at + 65536])
            time.sleep(0.05)
        return True

    def has_come():
        return sum(p.stat().st_size for p in (d.home / "cache").rglob("partial/*") if p.is_file())

    with Site(d.layout(d.archive(component=component)), fault) as site:
        d.forget()
        process = subprocess.Popen(
            [str(d.world.build / "loop"), "pull", "acme:notes", "--from", site.url, "--output", "k.wasm"],
            cwd=d.tmp, env=d.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: has_come() > 65536, process, "nothing has come")
        process.kill()
        process.wait()
        slow[0] = False
        d.pull("acme:notes", site.url)
        d.same(component=component)
        starts = [r[2].get("Range") for r in site.asked(digest(component)[7:])]
        if len(starts) != 2 or starts[1] is None:
            raise Wrong(f"it began anew: {starts}")


@case()
def a_server_without_ranges_will_do(d):
    """Catches two beginnings that are put one behind the other."""
    component = padded(d.component, 1 << 20)
    cuts = []

    def fault(request, path, body):
        if body != component or cuts:
            return False
        cuts.append(1)
        request.send_response(200)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:300000])
        request.wfile.flush()
        time.sleep(0.05)
        cut(request)
        return True

    with Site(d.layout(d.archive(component=component)), fault, ranges=False) as site:
        d.pull("acme:notes", site.url)
        d.same(component=component)


def refused(d, fault, what, pieces, status, **more):
    """A pull from a site with a fault; the next one, without it, is fine."""
    sick = [True]
    with Site(d.layout(d.archive()), lambda r, p, b: sick[0] and what in p and fault(r, p, b),
              **more) as site:
        d.says(d.pull("acme:notes", site.url, "got.tar", status=status), *pieces)
        if (d.tmp / "got.tar").exists():
            raise Wrong("there is a file all the same")
        sick[0] = False
        d.pull("acme:notes", site.url, "got.tar")
        d.pull("acme:notes", site.url)
        d.same()


def content(d):
    return digest(d.component)[7:]


@case()
def lying_lengths_are_found(d):
    """Catches a reader that believes Content-Length."""
    def long(request, path, body):
        request.answer(200, body, [("content-length", str(len(body) + 1000))])
        cut(request)
        return True

    def short(request, path, body):
        request.answer(200, body, [("content-length", str(len(body) - 1000))])
        request.close_connection = True
        return True

    refused(d, long, content(d), ["promised"], 65)
    d.forget()
    refused(d, short, content(d), ["promised"], 65)


@case()
def other_bytes_are_found(d):
    """Catches a registry that is believed: a flipped byte in the component, the config, the
    manifest, and one component for another."""
    files = package("acme:notes", "1.0.0", d.component)
    for name in [n for n in files if n.startswith("blobs/")]:
        def flipped(request, path, body):
            request.answer(200, bytes([body[0]]) + bytes([body[1] ^ 1]) + body[2:])
            return True
        d.forget()
        refused(d, flipped, name, ["sha256:" + name.split("/")[-1], "acme:notes 1.0.0"], 65)


@case()
def a_wrong_index_is_named(d):
    """Catches an index that is read until the first thing that is understood."""
    for text, piece in ((b"not json", "is no JSON"), (b"[]", "is no index"), (b"{}", "is no index"),
                        (b'{"schemaVersion":2,"manifests":[{"digest":"x","size":3,"annotations":'
                         b'{"loop.name":"acme:notes","org.opencontainers.image.ref.name":"1.0.0"}}]}',
                         "entry 1"),
                        (b'{"schemaVersion":2,"manifests":[{"digest":"sha256:' + b"0" * 64 +
                         b'","size":3,"annotations":{"loop.name":"acme:notes",'
                         b'"org.opencontainers.image.ref.name":"../../x"}}]}', "is no version"),
                        (b"[" * 100, "nested too deep"), (b"[" + b"0," * (2 << 20) + b"0]", "too many values")):
        d.forget()
        refused(d, lambda r, p, b: r.answer(200, text) or True, "index.json", ["index.json", piece],
                76 if "too" in piece else 65)


@case()
def a_body_without_end_ends(d):
    """Catches a reader that takes what comes as long as it comes."""
    def endless(request, path, body):
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b" " * 65536)
        except OSError:
            request.close_connection = True
        return True

    refused(d, endless, "index.json", ["larger than 16 MiB"], 76)
    d.forget()
    refused(d, endless, content(d), ["larger than"], 65)


@case(needs=("openssl",))
def redirects_have_rules(d):
    """Catches a client that follows anywhere: in circles, to files, from https to http."""
    def to(where):
        def fault(request, path, body):
            request.answer(302, b"elsewhere", [("location", where)])
            return True
        return fault

    refused(d, to("/index.json"), "index.json", ["too many redirects"], 65)
    refused(d, to("file:///etc/passwd"), "index.json", ["'file:'"], 65)
    refused(d, to("gopher://127.0.0.1/x"), "index.json", ["'gopher:'"], 65)
    tls = self_signed(d.tmp, "site")
    d.env["SSL_CERT_FILE"] = str(tls[0])
    with Site(d.tmp / "site") as plain:
        refused(d, to(plain.url + "/index.json"), "index.json", ["from https to http"], 77, tls=tls)
        if plain.requests:
            raise Wrong("it asked there all the same")


@case(needs=("openssl",))
def a_server_that_nobody_vouches_for_is_refused(d):
    """Catches a client that does not look at certificates."""
    with Site(d.layout(d.archive()), tls=self_signed(d.tmp, "site")) as site:
        d.says(d.pull("acme:notes", site.url, status=77), "certificate", "SSL_CERT_FILE")
        if site.requests:
            raise Wrong("it asked all the same")


@case()
def a_redirect_gets_no_password(d):
    """Catches credentials that follow to another host."""
    layout = d.layout(d.archive())
    with Site(layout) as other:
        def away(request, path, body):
            if not request.headers.get("authorization"):
                request.answer(401, b"", [("www-authenticate", "Basic realm=x")])
                return True
            if "blobs" not in path:
                return False
            request.answer(307, b"", [("location", f"{other.url}{path}")])
            return True

        with Site(layout, away) as site:
            d.write("config/loop/registries.yaml",
                    f"default: site\nknown:\n  site: {{ http: '{site.url}', user: {USER}, password: {PASSWORD} }}\n",
                    0o600)
            d.pull("acme:notes", "site")
            d.same()
            if any("Authorization" in r[2] or "authorization" in r[2] for r in other.requests):
                raise Wrong("the other host got the password")
            if not other.requests:
                raise Wrong("nobody was led on")


def oci(files, tags, blob=None):
    """An OCI registry with the versions `tags` of one package; `blob` may answer for its blobs."""
    manifest = [data for name, data in files.items() if name.startswith("blobs/")][0]

    def fault(request, path, body):
        if path.endswith("/tags/list"):
            request.answer(200, json.dumps({"name": "acme/notes", "tags": tags}).encode())
        elif "/manifests/" in path:
            request.answer(200, manifest)
        elif not blob or not blob(request, path):
            request.answer(200, files["blobs/sha256/" + path.split(":")[-1]])
        return True

    return fault


@case()
def who_one_is_led_to_asks_for_nothing(d):
    """Catches a password for whoever a redirect leads to: its 401 names a server of tokens."""
    thieves = []

    def ask(request, path, body):
        url = f"http://127.0.0.1:{request.server.server_address[1]}/token"
        if path == "/token":
            request.answer(200, b'{"token": "x"}')
        else:
            request.answer(401, b"", [("www-authenticate", f'Bearer realm="{url}",service="x"')])
        return True

    def away(request, path):
        request.answer(307, b"", [("location", f"{thieves[0].url}{path}")])
        return True

    files = package("acme:notes", "1.0.0", d.component)
    with Site(d.tmp, ask) as thief, Site(d.tmp, oci(files, ["1.0.0"], away)) as site:
        thieves.append(thief)
        host = site.url.removeprefix("http://")
        d.write("config/loop/registries.yaml", f"known:\n  team: {{ oci: '{host}', plain-http: true, "
                f"user: {USER}, password: {PASSWORD} }}\n", 0o600)
        d.says(d.pull("acme:notes", "team", status=77), "answers 401")
        if not thief.requests or thief.asked("/token") or any("Authorization" in r[2] for r in thief.requests):
            raise Wrong(f"the other host was told: {thief.requests}")


@case()
def a_tag_that_is_there_twice_is_one_version(d):
    """Catches a list of tags that is taken as it comes: its pages overlap while somebody publishes."""
    files = package("acme:notes", "1.0.0", d.component)
    with Site(d.tmp, oci(files, ["1.0.0", "latest", "1.0.0"])) as site:
        text = d.pull("acme:notes@2", site.url.replace("http:", "oci:"), status=66)
        d.says(text, "it has 1.0.0\n")
        if len(site.asked("/manifests/1.0.0")) != 1:
            raise Wrong("it was asked for more than once")
        d.pull("acme:notes", site.url.replace("http:", "oci:"))
        d.same()


@case()
def servers_that_fail_are_named(d):
    """Catches an error that says less than the host, the status and what to do."""
    def status(code, headers=()):
        return lambda r, p, b: r.answer(code, b"", headers) or True

    refused(d, status(404), "index.json", ["127.0.0.1:", "answers 404", "index.json"], 66)
    refused(d, status(500), "index.json", ["answers 500", "try again later"], 69)
    refused(d, status(403), "index.json", ["answers 403", "registries.yaml"], 77)
    refused(d, status(429, [("retry-after", "1")]), "index.json", ["answers 429"], 69)
    refused(d, status(418), "index.json", ["answers 418"], 65)


@case()
def who_is_asked_to_wait_waits(d):
    """Catches a client that takes 429 for an end, or comes back at once."""
    times = []

    def busy(request, path, body):
        times.append(time.monotonic())
        if len(times) > 2:
            return False
        request.answer(429, b"", [("retry-after", "1")])
        return True

    with Site(d.layout(d.archive()), lambda r, p, b: "index.json" in p and busy(r, p, b)) as site:
        d.pull("acme:notes", site.url)
        if len(times) != 3 or times[1] - times[0] < 0.95 or times[2] - times[1] < 0.95:
            raise Wrong(f"asked at {times}")


@case()
def ctrl_c_ends_a_transfer_at_once(d):
    """Catches a client that waits for a server that says nothing."""
    with Site(d.layout(d.archive()), lambda r, p, b: "blobs" in p and (time.sleep(60) or True)) as site:
        process = subprocess.Popen(
            [str(d.world.build / "loop"), "pull", "acme:notes", "--from", site.url],
            cwd=d.tmp, env=d.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: site.asked("blobs"), process, "no blob was asked for")
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - start
        if process.returncode != 75 or took > 10:
            raise Wrong(f"{process.returncode} after {took:.2f} s: {err.decode()}")


@case()
def offline_opens_no_connection(d):
    """Catches `--offline` that asks all the same: a registry that counts who connects."""
    with Site(d.layout(d.archive())) as site:
        d.write("loop.yaml", "loop: 1\ncomponents: {}\nregistries:\n  default: site\n  known:\n"
                             f"    site: {{ http: '{site.url}' }}\n")
        d.says(d.loop("add", "acme:notes", "--offline", status=69), "offline")
        if site.http.connections:
            raise Wrong("it connected to learn what there is")
        d.loop("add", "acme:notes")
        had = site.http.connections
        d.loop("install", "--offline")
        d.loop("update", "--offline")
        d.loop("list")
        d.loop("run", "notes", "hi")
        d.loop("pull", "acme:notes", "--offline", "--output", "off.wasm")
        if site.http.connections != had:
            raise Wrong(f"{site.http.connections - had} connections while offline")


@case()
def without_a_network_what_is_cached_works(d):
    """Catches what only works because something answers: in a network of nothing, and when the
    registry is gone."""
    with Site(d.layout(d.archive())) as site:
        d.write("loop.yaml", "loop: 1\ncomponents: {}\nregistries:\n  default: site\n  known:\n"
                             f"    site: {{ http: '{site.url}' }}\n")
        d.loop("add", "acme:notes")
    d.says(d.loop("update"), "does not answer", "what it said before counts", "acme:notes 1.0.0")
    d.says(d.loop("run", "notes", "hi"), "[hi]")
    apart = ["unshare", "-rn", str(d.world.build / "loop")]
    if common.run(["unshare", "-rn", "true"])[0] == 0:
        for words in (["install", "--offline"], ["install"], ["run", "notes", "hi"]):
            status, out, err = common.run(apart + words, cwd=d.tmp, env=d.env)
            if status:
                raise Wrong(f"{words} without a network: {status}\n{out.decode()}{err.decode()}")


# --- which registry -----------------------------------------------------------------------------

@case()
def the_users_registries_are_the_users(d):
    """Catches a workspace that gets the user's password under the registry's name, and a password
    that others can read."""
    with Site(d.layout(d.archive())) as site, Site(d.tmp / "site") as evil:
        own = f"known:\n  team: {{ http: '{site.url}', user: {USER}, password: {PASSWORD} }}\n"
        d.write("config/loop/registries.yaml", own, 0o644)
        d.write("loop.yaml", "loop: 1\nregistries:\n  default: team\n  known:\n"
                             f"    team: {{ http: '{evil.url}' }}\n")
        d.says(d.loop("pull", "acme:notes", status=77), "others may read it", "chmod 600")
        d.write("config/loop/registries.yaml", own, 0o600)
        d.loop("pull", "acme:notes", "--output", "got.wasm")
        if evil.requests or not site.requests:
            raise Wrong("the workspace's registry was asked for the user's 'team'")
        if not any(r[2].get("Authorization") for r in site.requests):
            raise Wrong("the user's password was not used")
        d.write("loop.yaml", "loop: 1\nregistries:\n  known:\n"
                             "    x: { oci: 'example.com', user: a, password: b }\n")
        d.says(d.loop("list", status=78), "loop.yaml:4:", "no users and passwords")
        d.write("loop.yaml", "loop: 1\nregistries:\n  known:\n"
                             "    x: { oci: 'example.com', plain-http: true }\n")
        d.says(d.loop("list", status=78), "without TLS")


@case()
def a_package_has_its_registry(d):
    """Catches a wrong order of packages, namespaces and default."""
    for name in ("one", "two", "three"):
        d.loop("push", d.archive("acme:notes", version=f"{len(name)}.0.0"), "--to", f"./{name}")
    d.write("loop.yaml", "loop: 1\nregistries:\n  default: c\n  namespaces: { acme: b }\n"
                         "  packages: { 'acme:notes': a }\n  known:\n    a: { folder: one }\n"
                         "    b: { folder: two }\n    c: { folder: three }\n")
    d.says(d.loop("pull", "acme:notes", "--output", "1.wasm"), "acme:notes 3.0.0 from 'a'")
    d.says(d.loop("pull", "acme:other", "--output", "2.wasm", status=66), "the registry 'b'")
    d.says(d.loop("pull", "other:x", "--output", "2.wasm", status=66), "the registry 'c'")
    d.says(d.loop("pull", "acme:notes", "--from", "d", status=66), "there is no registry 'd'", "a, b, c")
    d.write("loop.yaml", "loop: 1\n")
    d.says(d.loop("pull", "acme:notes", status=66), "no registry has 'acme:notes'", "registries:")


# --- docker's registry --------------------------------------------------------------------------

@case(needs=("docker",))
def an_oci_registry_gives_back_what_it_got(d):
    """Catches an upload in pieces that loses or repeats some, and a version that can be replaced."""
    with DockerRegistry(d.tmp) as registry:
        place = f"oci://{registry.host}/some/prefix"
        large = padded(d.component, 20 << 20)
        d.says(d.pull("acme:notes", place, status=66), "has no package 'acme:notes'")
        d.loop("push", d.archive(), "--to", place)
        d.loop("push", d.archive(version="1.1.0+five.6", component=large), "--to", place)
        if not registry.tag("some/prefix/acme/notes", "1.1.0_five.6").exists():
            raise Wrong("the tag is not what wkg would look for")
        d.loop("push", d.archive(), "--to", place)
        d.archive(component=padded(d.component, 9))
        d.says(d.loop("push", "acme-notes-1.0.0.tar", "--to", place, status=77), "with other bytes")
        d.forget()
        d.pull("acme:notes@1.0.0", place)
        d.same()
        d.says(d.pull("acme:notes", place), "acme:notes 1.1.0+five.6")
        d.same(component=large)
        d.loop("push", "--yank", "acme:notes@1.1.0+five.6", "--reason", "eats data", "--to", place)
        d.says(d.pull("acme:notes", place), "acme:notes 1.0.0")


@case(needs=("docker",))
def a_byte_that_flips_in_a_registry_is_found(d):
    """Catches a client that believes what the registry says of its bytes."""
    with DockerRegistry(d.tmp) as registry:
        place = f"oci://{registry.host}"
        d.loop("push", d.archive(), "--to", place)
        files = package("acme:notes", "1.0.0", d.component)
        for name in [n for n in files if n.startswith("blobs/")]:
            blob = registry.blob(name.split("/")[-1])
            good = blob.read_bytes()
            for at in (1, len(good) // 2, len(good) - 2):
                blob.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1:])
                d.forget()
                text = d.loop("pull", "acme:notes", "--from", place, status=(65, 69))
                # docker's registry itself does not hand out a manifest that is no JSON
                d.says(text, registry.host if "answers 500" in text else "sha256:" + name.split("/")[-1])
            blob.write_bytes(good)
        d.forget()
        d.pull("acme:notes", place)
        d.same()


@case(needs=("docker",))
def a_long_list_of_tags_is_read_to_its_end(d):
    """Catches a reader of the first page: 1,100 tags, the last of which is the version."""
    with DockerRegistry(d.tmp) as registry:
        place = f"oci://{registry.host}"
        d.loop("push", d.archive(version="9.0.0"), "--to", place)
        link = registry.tag("acme/notes", "9.0.0")
        for i in range(1100):
            other = registry.tag("acme/notes", f"v{i:04}")
            other.parent.mkdir(parents=True)
            shutil.copy(link, other)
        shutil.rmtree(link.parent.parent)
        last = registry.tag("acme/notes", "zz")
        last.parent.mkdir(parents=True)
        shutil.copy(registry.tag("acme/notes", "v0000"), last)
        d.says(d.pull("acme:notes", place, status=66), "no package")  # no tag is a version
        d.loop("push", d.archive(version="9.0.0"), "--to", place)
        d.pull("acme:notes@9.0.0", place)
        d.same()


@case(needs=("docker",))
def a_registry_with_passwords(d):
    """Catches a password that is not sent, or sent before it is asked for."""
    with DockerRegistry(d.tmp, "basic") as registry:
        place = f"oci://{registry.host}"
        d.says(d.loop("push", d.archive(), "--to", place, status=77), registry.host, "401", "registries.yaml")
        d.write("config/loop/registries.yaml",
                f"known:\n  team: {{ oci: '{registry.host}', plain-http: true, user: {USER}, password: wrong }}\n",
                0o600)
        d.says(d.loop("push", d.archive(), "--to", "team", status=77), "401")
        d.write("config/loop/registries.yaml",
                f"known:\n  team: {{ oci: '{registry.host}', plain-http: true, user: {USER}, password: {PASSWORD} }}\n",
                0o600)
        d.loop("push", d.archive(), "--to", "team")
        d.pull("acme:notes", "team")
        d.same()
        import base64
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        d.write(".docker/config.json", json.dumps({"auths": {registry.host: {"auth": login}}}), 0o600)
        d.forget()
        d.pull("acme:notes", place)  # not of the user's registries: docker's login
        d.same()


@case(needs=("docker", "openssl"))
def a_registry_with_tokens(d):
    """Catches a client that asks for no token, for a wrong one, or with a password for nobody."""
    with DockerRegistry(d.tmp, "token") as registry:
        d.write("config/loop/registries.yaml",
                f"known:\n  team: {{ oci: '{registry.host}', prefix: 'public/', plain-http: true, user: {USER}, "
                f"password: {PASSWORD} }}\n", 0o600)
        d.loop("push", d.archive(), "--to", "team")
        scopes = {scope for scope, _ in registry.tokens.asked}
        if scopes != {"repository:public/acme/notes:pull,push"}:
            raise Wrong(f"asked for {scopes}")
        registry.tokens.asked.clear()
        place = f"oci://{registry.host}/public"
        d.pull("acme:notes", place)  # nobody in particular may pull
        d.same()
        if any(who for _, who in registry.tokens.asked):
            raise Wrong("a password went where none was given")
        d.says(d.loop("push", d.archive(version="2.0.0"), "--to", place, status=77), registry.host)


# --- wkg ----------------------------------------------------------------------------------------

def wkg(d, registry, *words, status=0):
    config = d.write("wkg-config.toml",
                     f'[namespace_registries]\nacme = {{ registry = "{registry.host}", metadata = '
                     f'{{ preferredProtocol = "oci", oci = {{ registry = "{registry.host}" }} }} }}\n'
                     f'[registry."{registry.host}".oci]\nprotocol = "http"\n')
    env = d.env | {"WKG_CONFIG_FILE": str(config), "WKG_CACHE_DIR": str(d.tmp / "wkg-cache")}
    got, out, _ = common.run([str(wkg_program()), *map(str, words)], cwd=d.tmp, env=env, merged=True)
    if got != status:
        raise Wrong(f"wkg {' '.join(map(str, words))}: {got}\n{out.decode()}")


@case(needs=("docker", "wkg"))
def wkg_gets_what_loop_published(d):
    """Catches a package that only loop can read."""
    with DockerRegistry(d.tmp) as registry:
        d.loop("push", d.archive(requires={"acme:ui": "^1"}), "--to", f"oci://{registry.host}")
        wkg(d, registry, "get", "acme:notes@1.0.0", "--output", "./wkg.wasm")
        d.same("wkg.wasm")
        wkg(d, registry, "oci", "pull", "--insecure", registry.host,
            f"{registry.host}/acme/notes:1.0.0", "--output", "wkg2.wasm")
        d.same("wkg2.wasm")
        d.loop("push", "--yank", "acme:notes@1.0.0", "--reason", "x", "--to", f"oci://{registry.host}")
        wkg(d, registry, "get", "acme:notes@1.0.0", "--output", "./again.wasm")
        d.same("again.wasm")


@case(needs=("docker", "wkg"))
def loop_gets_what_wkg_published(d):
    """Catches a reader that only knows packages of loop's own: pushed, and published as WIT."""
    with DockerRegistry(d.tmp) as registry:
        shutil.copy(d.guest, d.tmp / "in.wasm")
        wkg(d, registry, "oci", "push", "--insecure", registry.host,
            f"{registry.host}/acme/tool:0.2.0", "in.wasm")
        d.write("loop.yaml", "loop: 1\ncomponents: {}\nregistries:\n  default: team\n  known:\n"
                             f"    team: {{ oci: '{registry.host}', plain-http: true }}\n")
        d.pull("acme:tool", "team")
        d.same()
        d.loop("add", "acme:tool")
        d.says(d.loop("run", "tool", "hi"), "[hi]")
        d.write("wit/api.wit", "package acme:api@0.3.0;\ninterface here { now: func() -> u32; }\n")
        wkg(d, registry, "publish", "wit")
        d.pull("acme:api@0.3.0", "team", "api.wasm")
        wkg(d, registry, "get", "acme:api@0.3.0", "--format", "wasm", "--output", "./wkg.wasm")
        d.same("wkg.wasm", (d.tmp / "api.wasm").read_bytes())


# --- registries that others wrote ---------------------------------------------------------------

def plugin(d, language="python", **options):
    """A workspace with a registry that is a sidecar; what it serves is in ./site."""
    root = common.ROOT
    if language == "python":
        shutil.copytree(root / "sdk/python/sidecar/loop_sidecar", d.tmp / "loop_sidecar", dirs_exist_ok=True)
        shutil.copy(root / "tests/registries/registry.py", d.tmp)
        command = "[python3, registry.py]"
    else:
        shutil.copytree(root / "sdk/js/sidecar", d.tmp / "loop-sidecar", dirs_exist_ok=True)
        shutil.copy(root / "tests/registries/registry.mjs", d.tmp)
        command = "[node, registry.mjs]"
    more = "".join(f", {name}: {value}" for name, value in options.items())
    d.write("loop.yaml", "loop: 1\ncomponents: {}\nregistries:\n  default: mine\n  known:\n"
                         f"    mine: {{ sidecar: {command}, layout: site{more} }}\n")
    return d.tmp


@case()
def a_sidecar_is_a_registry(d):
    """Catches a plug-in that is believed where others are not, or started without trust."""
    d.layout(d.archive(version="1.1.0", requires={"acme:ui": "^1"}), d.archive("acme:ui", "1.4.0"))
    d.loop("push", "--yank", "acme:ui@1.4.0", "--reason", "x", "--to", "layout:./site")
    d.loop("push", d.archive("acme:ui", "1.3.0"), "--to", "layout:./site")
    for language in ("python", "node"):
        d.forget()
        plugin(d, language)
        d.says(d.loop("add", "acme:notes", status=77), "trusted", "loop trust")
        d.loop("trust", "--yes")
        d.says(d.loop("add", "acme:notes"), "acme:notes 1.1.0", "acme:ui", "1.3.0")
        d.says(d.loop("run", "notes", "hi"), "[hi]")
        d.says(d.loop("install", "--offline"), "acme:notes 1.1.0")
        d.says(d.loop("pull", "acme:none", status=66), "has no package 'acme:none'")
        (d.tmp / "loop.lock").unlink()


@case()
def a_sidecar_that_is_wrong_is_named(d):
    """Catches a plug-in that can give other bytes, other versions, or texts that steer a terminal."""
    d.layout(d.archive())
    for fault, status, pieces in (("flip", 65, [digest(d.component)]), ("lie", 65, ["is no version"]),
                                  ("refuse", 77, ["it says: not for ?[31myou"]), ("cut", 0, [])):
        d.forget()
        plugin(d, fault=fault)
        d.loop("trust", "--yes")
        d.says(d.pull("acme:notes", "mine", status=status), *pieces)
    d.same()


@case()
def ctrl_c_ends_a_sidecar_that_hangs(d):
    """Catches a command that waits for a plug-in for ever."""
    d.layout(d.archive())
    plugin(d, fault="hang")
    d.loop("trust", "--yes")
    process = subprocess.Popen([str(d.world.build / "loop"), "pull", "acme:notes"], cwd=d.tmp, env=d.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until((d.tmp / "hangs").exists, process, "the sidecar was not asked")
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode != 75 or time.monotonic() - start > 20:
        raise Wrong(f"{process.returncode} after {time.monotonic() - start:.1f} s: {err.decode()}")


@case()
def a_component_is_a_registry(d):
    """Catches a plug-in contract that only native code can keep."""
    shutil.copy(d.world.components / "guests/shelf.wasm", d.tmp)
    d.write("loop.yaml", "loop: 1\ncomponents:\n  shelf: { path: shelf.wasm }\nregistries:\n  default: mine\n"
                         "  known:\n    mine: { component: shelf }\n")
    d.pull("acme:nothing", "mine")
    d.same(component=b"\0asm\x0d\0\1\0")
    d.says(d.pull("acme:other", "mine", status=66), "has no package")


# --- components that look for packages ------------------------------------------------------------

@case()
def a_component_looks_for_packages(d):
    """Catches a resolver that gives out what was not granted, makes a component wait that lets go, or
    cannot say why there is no choice."""
    for name, version, requires in (("acme:ui", "1.3.0", None), ("acme:notes", "1.1.0", {"acme:ui": "^1"}),
                                    ("acme:odd", "1.0.0", {"acme:ui": "^2"}),
                                    ("acme:far", "1.0.0", {"other:x": "*"}), ("other:x", "1.0.0", None)):
        d.loop("push", d.archive(name, version, requires=requires), "--to", "layout:./site")
    shutil.copy(d.world.components / "guests/packages.wasm", d.tmp / "p.wasm")
    slow = []

    def fault(request, path, body):
        if slow and body == d.component:
            time.sleep(20)
        return False

    with Site(d.tmp / "site", fault) as site:
        d.write("loop.yaml", "loop: 1\ncomponents:\n  p:\n    path: p.wasm\n    grants: { packages: [acme] }\n"
                             f"registries:\n  default: near\n  known:\n    near: {{ http: '{site.url}' }}\n")

        def p(*words, status=0, flags=(), run="p"):
            return d.loop("run", *flags, run, "--", *words, status=status)

        d.says(p("versions", "acme:notes", "acme:none"), "1.1.0, needs 1", "acme:none has 0 versions")
        d.says(p("resolve", "acme:notes", "^1"), "acme:ui 1.3.0 from near\nacme:notes 1.1.0 from near")
        d.says(p("resolve", "acme:odd", "1", "acme:ui", "1"), "conflict", "acme:odd 1.0.0 needs acme:ui ^2")
        d.says(p("resolve", "acme:ui", "one", status=1), "invalid")
        d.says(p("versions", "other:x", status=1), "denied: no grant for the package 'other:x'")
        d.says(p("resolve", "acme:far", "1", status=1), "denied: no grant for the package 'other:x'")
        d.says(p("resolve", "acme:far", "1", flags=("--packages", "other:x")), "other:x 1.0.0")
        before = len(site.asked(content(d)))
        d.says(p("fetch", "acme:notes", "*"), f"2 complete, {2 * len(d.component)} bytes")
        d.says(p("bytes", "acme:notes", digest(d.component)), f"{len(d.component)} bytes")
        if len(site.asked(content(d))) != before + 1:
            raise Wrong("what two packages have in common came twice, or not at all")
        d.says(p("versions", "acme:ui", status=1, run="./p.wasm"), "denied")
        d.says(d.loop("explain", "./p.wasm"), "--packages NAMESPACE")
        d.forget()
        slow.append(1)
        start = time.monotonic()
        for _ in range(10):
            d.says(p("drop", "acme:notes", "*"), "dropped")
        if time.monotonic() - start > 100:  # ten of them, for 20 s each
            raise Wrong(f"it took {time.monotonic() - start:.1f} s to let go")


@case(needs=("docker",))
def documentation_comes_along(d):
    """Catches what belongs to a package and is not found by it: in a registry without referrers, the
    index under the tag of its digest; in a layout, its entry."""
    shutil.copy(d.guest, d.tmp / "a.wasm")
    d.write("README.md", "# Notes\n")
    d.write("loop.yaml", "loop: 1\ndefault: a\ncomponents:\n  a: { path: a.wasm }\n"
                         "package: { name: acme:notes, version: 1.0.0, docs: README.md }\n")
    d.loop("pack", "--output", "a.tar")
    with DockerRegistry(d.tmp) as registry:
        text = d.loop("push", "a.tar", "--to", f"oci://{registry.host}")
        d.loop("push", "a.tar", "--to", f"oci://{registry.host}")
        manifest = text.split("sha256:")[1].split()[0]
        link = registry.tag("acme/notes", f"sha256-{manifest}")
        if not link.exists():
            raise Wrong(f"there is no tag for what belongs to {manifest}")
        index = json.loads(registry.blob(link.read_text()).read_bytes())
        if len(index["manifests"]) != 1 or "docs" not in index["manifests"][0]["artifactType"]:
            raise Wrong(f"the list is {index}")
        docs = json.loads(registry.blob(index["manifests"][0]["digest"]).read_bytes())
        if registry.blob(docs["layers"][0]["digest"]).read_bytes() != b"# Notes\n":
            raise Wrong("the documentation has other bytes")
    d.loop("push", "a.tar", "--to", "layout:./site")
    types = [m.get("artifactType") for m in json.loads((d.tmp / "site/index.json").read_text())["manifests"]]
    if len(types) != 2 or not types[1]:
        raise Wrong(f"the layout has {types}")
