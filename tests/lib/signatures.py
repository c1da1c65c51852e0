"""Signatures: agreement with the tool `minisign` both ways, every kind of registry that carries
them, what is refused on the way, passwords. Each case says which broken program it catches."""

import json
import os
import re
import shutil
import subprocess
import time

from . import common, registries
from .common import Result
from .registries import Desk, Wrong
from .registry_servers import DockerRegistry, Site, package, write_archive
from .scaffold import Terminal

KEYS = common.ROOT / "tests/signatures"
PASSWORD = "only for tests"
ID = {"ada": "D20950054AFFEFC7", "ada-2": "7A62B5D128502F58", "eve": "C7BD550062FF9BD7"}
CASES = []


def case(needs=()):
    def add(function):
        CASES.append((function, needs))
        return function
    return add


def jobs(world):
    for function, needs in CASES:
        name = "signatures/" + function.__name__.replace("_", "-")
        if world.pattern and world.pattern not in name:
            continue
        missing = registries.why_not(needs)
        if "minisign" in needs and not shutil.which("minisign"):
            missing = "minisign is missing: tools/setup/apt.sh --tests"
        if missing:
            yield lambda name=name, missing=missing: Result(name, skip=missing)
        else:
            yield lambda name=name, function=function: run(world, name, function)


def run(world, name, function):
    tmp = common.fresh_folder(world, "signatures-")
    try:
        function(Signer(world, tmp))
        return Result(name)
    except Wrong as e:
        return Result(name, False, f"{e}\n")
    finally:
        common.remove(tmp)


class Signer(Desk):
    """A desk with keys: ada's and eve's are one's own."""

    def __init__(self, world, tmp):
        super().__init__(world, tmp)
        self.keys = tmp / "config/loop/keys"
        self.keys.mkdir(parents=True, mode=0o700)
        (tmp / "config/loop").chmod(0o700)
        for path in KEYS.iterdir():
            shutil.copy(path, self.keys)
            (self.keys / path.name).chmod(0o600)
        self.env["LOOP_KEY_PASSWORD_FILE"] = str(self.write("config/password", PASSWORD + "\n", 0o600))

    def trust(self, key="ada", namespace="acme", *more):
        return self.loop("keys", "trust", self.keys / f"{key}.pub" if key in ID else key, "--name", key,
                         "--namespace", namespace, "--yes", *more)

    def signed(self, version="1.0.0", key="ada", name="acme:notes", *more):
        archive = self.archive(name, version)
        self.loop("sign", "--key", key, archive, *more)
        return archive

    def workspace(self, wish="acme:notes@^1", registry="{ folder: ../packages }", folder="user"):
        """Another folder, whose loop.yaml asks for a package."""
        self.write(f"{folder}/loop.yaml",
                   f'loop: 1\ndefault: n\ncomponents: {{ n: {{ package: "{wish}" }} }}\n'
                   f"registries: {{ default: here, known: {{ here: {registry} }} }}\n")
        return self.tmp / folder

    def at(self, folder, *words, status=0):
        before, self.tmp = self.tmp, self.tmp / folder
        try:
            return self.loop(*words, status=status)
        finally:
            self.tmp = before

    def manifest(self, archive):
        """The manifest of an archive, as a file."""
        digest = re.search(r"digest\s+sha256:(\w+)", self.loop("pack", "--check", archive))[1]
        data = subprocess.run(["tar", "xOf", str(archive), f"blobs/sha256/{digest}"], check=True,
                              capture_output=True).stdout
        path = self.tmp / "manifest.json"
        path.write_bytes(data)
        return path


class Asked(Terminal):
    """A command on a terminal of its own, and all that was shown on it."""

    def __init__(self, command, env, cwd):
        super().__init__([str(word) for word in command], cwd, env)
        self.before = ""

    def read(self, wanted):
        self.before += self.until(wanted) + wanted

    def finish(self):
        status = self.end()
        self.text = self.before + self.text
        return status


def minisign(d, *words, passwords=(), status=0):
    """On a terminal: that is where it asks."""
    t = Asked(["minisign", *words], d.env, d.tmp)
    for i, password in enumerate(passwords):
        t.read("Password: " if i == 0 else "one more time): ")
        time.sleep(0.3)  # it asks first, and then throws away what was typed
        t.say(password + "\n")
    got = t.finish()
    if got != status:
        raise Wrong(f"minisign {' '.join(map(str, words))}: {got}, not {status}:\n{t.text}")
    return t.text


# --- the tool itself ----------------------------------------------------------------------------

@case(needs=["minisign"])
def minisign_checks_what_loop_signed(d):
    """Catches a format that agrees only with itself."""
    archive = d.archive()
    manifest = d.manifest(archive)
    d.loop("sign", "--key", "ada", "--output", f"{manifest}.minisig", archive)
    text = minisign(d, "-V", "-H", "-m", manifest, "-p", d.keys / "ada.pub")
    d.says(text, "Signature and comment signature verified", "loop 1 name=acme:notes version=1.0.0 "
           "class=untrusted time=", f"key={ID['ada']}")
    minisign(d, "-V", "-m", manifest, "-p", d.keys / "eve.pub", status=1)
    good = manifest.read_bytes()
    manifest.write_bytes(good[:-1] + b" ")
    minisign(d, "-V", "-m", manifest, "-p", d.keys / "ada.pub", status=1)


@case(needs=["minisign"])
def loop_checks_what_minisign_signed(d):
    """Catches the same the other way; the key file is one of loop's, which minisign opens."""
    archive = d.archive()
    manifest = d.manifest(archive)
    comment = f"loop 1 name=acme:notes version=1.0.0 class=trusted time=1795454400 key={ID['ada']}"
    minisign(d, "-S", "-s", d.keys / "ada.key", "-m", manifest, "-x", "good.minisig", "-t", comment,
             passwords=[PASSWORD])
    minisign(d, "-S", "-s", d.keys / "ada.key", "-m", manifest, "-x", "plain.minisig", passwords=[PASSWORD])
    minisign(d, "-S", "-l", "-s", d.keys / "ada.key", "-m", manifest, "-x", "old.minisig", "-t", comment,
             passwords=[PASSWORD])
    d.trust("ada", "acme", "--class", "trusted")
    text = d.loop("verify", archive, "--signature", "good.minisig")
    d.says(text, f"signed by  ada, {ID['ada']}", "class      trusted", "2026-11-23 17:20:00 UTC")
    d.says(d.loop("verify", archive, "--signature", "plain.minisig", status=77), "not one of loop's")
    d.says(d.loop("verify", archive, "--signature", "old.minisig", status=77), "older kind")
    d.says(d.loop("sign", "--signature", "plain.minisig", archive, status=65), "not one of loop's")
    d.loop("sign", "--signature", "good.minisig", archive)
    d.says(d.loop("verify", archive), "signed by  ada")


@case(needs=["minisign"])
def keys_are_of_both(d):
    """Catches key files that only their own tool opens; permissions that the umask gives."""
    before = os.umask(0)
    try:
        d.loop("keys", "new", "own")
    finally:
        os.umask(before)
    for name, mode in (("", 0o700), ("own.key", 0o600), ("own.pub", 0o644)):
        if (d.keys / name).stat().st_mode & 0o777 != mode:
            raise Wrong(f"keys/{name} is {(d.keys / name).stat().st_mode & 0o777:o}")
    archive = d.archive()
    manifest = d.manifest(archive)
    minisign(d, "-R", "-s", d.keys / "own.key", "-p", "again.pub", passwords=[PASSWORD])
    line = (d.tmp / "again.pub").read_text().splitlines()[1]
    if line not in (d.keys / "own.pub").read_text():
        raise Wrong("minisign finds another public key in own.key")
    minisign(d, "-G", "-s", d.keys / "theirs.key", "-p", d.keys / "theirs.pub",
             passwords=[PASSWORD, PASSWORD])
    d.loop("sign", "--key", "theirs", "--output", f"{manifest}.minisig", archive)
    minisign(d, "-V", "-m", manifest, "-p", d.keys / "theirs.pub")
    minisign(d, "-G", "-W", "-s", d.keys / "open.key", "-p", d.keys / "open.pub")
    d.says(d.loop("sign", "--key", "open", archive, status=65), "has no password")


# --- passwords ----------------------------------------------------------------------------------

@case()
def a_password_is_asked_for_and_not_shown(d):
    """Catches an echo; a terminal that shows nothing any more after Ctrl-C."""
    archive = d.archive()
    env = {k: v for k, v in d.env.items() if k != "LOOP_KEY_PASSWORD_FILE"}
    loop = str(d.world.build / "loop")
    t = Asked([loop, "sign", "--key", "ada", archive], env, d.tmp)
    t.read("Password of the key ada: ")
    t.say(PASSWORD + "\n")
    if t.finish() or PASSWORD in t.text:
        raise Wrong(f"it is shown, or not taken:\n{t.text}")
    d.says(d.loop("verify", archive, "--key", "ada"), ID["ada"])
    t = Asked([loop, "sign", "--key", "ada", archive], env, d.tmp)
    t.read("Password of the key ada: ")
    t.say("wrong\n")
    if t.finish() != 77:
        raise Wrong(f"another password is taken:\n{t.text}")
    t = Asked(["sh", "-c", f"trap : INT; '{loop}' sign --key ada '{archive}'; stty -a"], env, d.tmp)
    t.read("Password of the key ada: ")
    t.say("x\x03")
    t.finish()
    if "-echo " in t.text or " echo " not in t.text:
        raise Wrong(f"the terminal stays without echo:\n{t.text}")
    t = Asked([loop, "keys", "new", "x"], env, d.tmp)
    t.read("Password for the new key x: ")
    t.say("one\n")
    t.read("once more: ")
    t.say("two\n")
    if t.finish() != 64 or "not the same" not in t.text or (d.keys / "x.key").exists():
        raise Wrong(f"two passwords are one:\n{t.text}")
    for name in ("X", "ada"):  # nobody is asked for the password of what cannot be
        t = Asked([loop, "keys", "new", name], env, d.tmp)
        if t.finish() != 64 or "Password" in t.text:
            raise Wrong(f"a password for nothing:\n{t.text}")
    text = d.loop("sign", "--key", "ada", archive, status=64, env={"LOOP_KEY_PASSWORD_FILE": ""})
    d.says(text, "nobody to ask", "--password-fd")


@case()
def a_password_of_a_script_is_nobody_elses(d):
    """Catches a file that others can read, a descriptor that is none."""
    archive = d.archive()
    shared = d.write("config/shared", PASSWORD + "\n", 0o644)
    d.says(d.loop("sign", "--key", "ada", archive, status=77, env={"LOOP_KEY_PASSWORD_FILE": str(shared)}),
           "not yours alone", "chmod 600")
    d.says(d.loop("sign", "--key", "ada", "--password-fd", "77", archive, status=64), "no open descriptor")
    d.says(d.loop("sign", "--key", "ada", archive, status=74, env={"LOOP_KEY_PASSWORD_FILE": "/nowhere"}),
           "cannot read")
    command = f"exec 3<'{d.env['LOOP_KEY_PASSWORD_FILE']}' && loop sign --key ada --password-fd 3 '{archive}'"
    got, out, err = common.run(["sh", "-c", command], cwd=d.tmp, env=d.env | {"LOOP_KEY_PASSWORD_FILE": ""})
    if got:
        raise Wrong(f"a descriptor is not read: {err.decode()}")


# --- registries ---------------------------------------------------------------------------------

def comes_signed(d, place, registry, online=True):
    """Unsigned first, signed later and pushed again; then on another machine."""
    plain = d.archive()
    d.loop("push", plain, "--to", place)
    d.trust()
    user = d.workspace(registry=registry)
    d.says(d.at(user, "install", status=77), "nobody whom you trust has signed it", "'ada'")
    d.loop("sign", "--key", "ada", plain)
    d.loop("push", plain, "--to", place)
    d.says(d.at(user, "install"), "signed by 'ada'")
    d.forget()
    d.says(d.at(user, "install", "--frozen"), "signed by 'ada'")
    d.says(d.at(user, "list", "--json"), f'"key":"{ID["ada"]}"')
    d.at(user, "run", "n", "--", "x")
    d.loop("pull", "acme:notes@1.0.0", "--from", place, "--output", "got.tar")
    d.says(d.loop("verify", "got.tar"), "signed by  ada")
    return user


@case()
def folders_carry_signatures(d):
    """Catches a signature that is lost on the way, or that comes too late for a published version."""
    user = comes_signed(d, "./packages", "{ folder: ../packages }")
    names = subprocess.run(["tar", "tf", str(d.tmp / "packages/acme/notes/1.0.0.tar")], check=True,
                           capture_output=True, text=True).stdout.split()
    if len(names) != 8:
        raise Wrong(f"the archive has {names}")
    shutil.rmtree(d.tmp / "packages")
    d.at(user, "run", "n", "--", "x")  # what is in the cache needs no registry


@case()
def layouts_and_sites_carry_signatures(d):
    """The same through index.json, from a folder and from a web server."""
    comes_signed(d, "layout:./packages", "{ layout: ../packages }")
    d.forget()
    with Site(d.tmp / "packages") as site:
        d.workspace(registry=f"{{ http: '{site.url}' }}", folder="web")
        d.says(d.at("web", "install"), "signed by 'ada'")
        d.at("web", "run", "n", "--", "x")


@case(needs=["docker"])
def a_real_registry_carries_signatures(d):
    """The same through a tag of referrers, which docker's registry has in place of the API."""
    with DockerRegistry(d.tmp) as registry:
        comes_signed(d, f"oci://{registry.host}/some", f"{{ oci: '{registry.host}', prefix: some/, plain-http: true }}")


@case()
def an_old_signature_does_not_bring_back_an_old_version(d):
    """Catches a registry that hides the newest version, with everything in it well signed."""
    for version in ("1.0.0", "1.1.0"):
        d.loop("push", d.signed(version), "--to", "./packages")
    d.trust()
    user = d.workspace()
    d.says(d.at(user, "install"), "1.1.0")
    hidden = d.tmp / "packages/acme/notes/1.1.0.tar"
    hidden.rename(d.tmp / "away")
    d.at(user, "run", "n", "--", "x")
    d.says(d.at(user, "update", status=77), "1.0.0 is not taken", "loop.lock has 1.1.0", "acme:notes@=1.0.0")
    d.workspace(folder="fresh")  # another workspace of the same machine
    d.says(d.at("fresh", "install", status=77), "this machine has accepted 1.1.0")
    d.says(d.loop("pull", "acme:notes@^1", "--from", "./packages", "--output", "x.wasm", status=77),
           "this machine has accepted 1.1.0")
    d.workspace("acme:notes@=1.0.0", folder="asked")
    d.says(d.at("asked", "install"), "1.0.0")
    (d.tmp / "away").rename(hidden)
    d.loop("push", "--yank", "acme:notes@1.1.0", "--reason", "bad", "--to", "./packages")
    d.says(d.at("fresh", "install", status=77), "this machine has accepted 1.1.0")


@case()
def a_revoked_key_ends_what_it_signed(d):
    """Catches an install that is believed for ever."""
    d.loop("push", d.signed(), "--to", "./packages")
    d.trust()
    user = d.workspace()
    d.at(user, "install")
    d.at(user, "run", "n", "--", "x")
    d.loop("keys", "revoke", "ada", "--reason", "stolen")
    d.says(d.at(user, "run", "n", "--", "x", status=77), "revoked on", "stolen")
    d.says(d.at(user, "install", status=77), "revoked on")
    d.says(d.loop("verify", "acme-notes-1.0.0.tar", status=77), "revoked on")
    d.says(d.loop("verify", "acme-notes-1.0.0.tar", "--key", d.keys / "ada.pub", status=77), "revoked on")
    d.says(d.loop("keys", "trust", "ada", "--namespace", "acme", "--yes", status=77), "was revoked")
    # Its publisher goes on with another one.
    d.trust("ada-2")
    d.loop("sign", "--key", "ada-2", "acme-notes-1.0.0.tar")
    d.loop("push", "acme-notes-1.0.0.tar", "--to", "./packages")
    d.says(d.at(user, "install"), "signed by 'ada-2'")
    d.at(user, "run", "n", "--", "x")


@case()
def a_key_takes_over(d):
    """Catches a rotation after which nobody knows the publisher any more."""
    d.trust("ada", "acme", "--class", "trusted")
    two = d.write("config/two", f"{PASSWORD}\nnot hers\n", 0o600)
    d.says(d.loop("keys", "new", "next", "--after", "ada", status=77, env={"LOOP_KEY_PASSWORD_FILE": str(two)}),
           "not the password")
    if (d.keys / "next.key").exists():
        raise Wrong("a key is left that nobody has signed over")
    d.loop("keys", "new", "next", "--after", "ada")
    public = d.keys / "next.pub"
    d.says(d.loop("keys", "trust", public, "--yes"), "takes over from", ID["ada"], "class          trusted")
    archive = d.archive()
    d.loop("sign", "--key", "next", "--class", "trusted", archive)
    row = json.loads(d.loop("verify", "--json", archive))
    if row["publisher"] != ID["ada"] or row["class"] != "trusted" or row["key"] == ID["ada"]:
        raise Wrong(f"{row}")
    d.says(d.loop("install", archive), "signed by 'next'")
    d.says(d.loop("explain", "acme:notes"), "class trusted", f"signed by next, {row['key']}")
    d.says(d.loop("inspect", "acme:notes"), f"signed by next, {row['key']}")
    forged = d.write("eve/eve.pub", (d.keys / "eve.pub").read_text())
    shutil.copy(f"{public}.minisig", f"{forged}.minisig")
    d.says(d.loop("keys", "trust", forged, "--yes", status=77), "has not signed these bytes")
    # A thief could have handed it over as well.
    d.says(d.loop("keys", "revoke", "ada"), "next took over from it and still counts")


@case()
def storage_is_the_publishers(d):
    """Catches a name without a key that opens what another publisher's package has stored."""
    component = (d.world.components / "guests/store.wasm").read_bytes()
    archives = {}
    for key in ("ada", "eve", None):
        path = d.tmp / f"{key}.tar"
        archives[key] = write_archive(path, package("acme:notes", "1.0.0", component))
        if key:
            d.loop("sign", "--key", key, path)
    store = ("--storage", "1KiB", "--bind", "loop:storage/store=sqlite,file=x.db", "acme:notes", "--", "in", "notes")

    def has(key, folder, *words):
        if key:
            d.loop("keys", "trust", key, "--namespace", "acme", "--yes")
        (d.tmp / folder).mkdir(exist_ok=True)
        d.forget()
        d.loop("install", archives[key])
        return d.at(folder, "run", *store, *words)

    def without_keys():
        (d.home / "config/loop/keys.yaml").unlink(missing_ok=True)

    has("ada", "one", "set", "k", "of-ada")
    d.says(has("ada", "one", "get", "k"), "k: of-ada")
    without_keys()
    d.says(has("eve", "one", "get", "k"), "k: nothing")
    without_keys()
    d.says(has(None, "one", "get", "k"), "k: nothing")
