#!/usr/bin/env python3
"""Checks wit/: the vendored files, loop's rules, and that generators accept it.

    check_wit.py [--wit DIR] [--notes DIR]

Rules are checked over the parsed WIT (`wasm-tools component wit --json`), not
by searching text, except where the question is about text: headers, and
versions in `use`. Each rule is a function below with its name in RULES; each
has a package in tools/test_check_wit.py that breaks it. knowledge/wit-notes.md
explains them.

wasm-tools is found through $WASM_TOOLS, else on PATH. Exit status: 0 clean,
1 problems, 2 the check could not run. Nothing is written outside a temporary
folder.

To add a package: make its folder, then a row in PACKAGES. To allow a 64-bit
number: a row in QUANTITIES with its reason; it must be a quantity.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import wit_vendor  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Package:
    """What holds for one loop:* package."""
    depends: set = field(default_factory=set)   # the other loop:* packages it may name
    waits: bool = False      # its functions may wait, and each interface says so
    batches: bool = False    # functions take lists
    gateable: bool = True    # functions answer `unavailable` or `denied`


PACKAGES = {
    "core": Package(gateable=False),
    "command": Package({"core"}),
    "storage": Package({"core"}, waits=True),
    "process": Package({"core"}, waits=True),
    "pkg": Package({"core"}, waits=True),
    "fx": Package({"core"}),
    "window": Package({"core"}, batches=True),
    "ui": Package({"core", "window"}, batches=True),
    "gfx": Package({"core", "window"}, batches=True),
    "dom": Package({"core"}, batches=True),
    "devserver": Package({"core"}),
}

# 64-bit numbers that are quantities. A JavaScript SDK may round them above 2^53,
# which a quantity survives and an id does not.
_BYTES = "a number of bytes"
_GPU = "a size or offset in bytes, 64 bits wide in WebGPU"
QUANTITIES = {
    "loop:core/logging field-value.integer": "an integer that a component logs as it is",
    "loop:storage/store usage.bytes-used": _BYTES,
    "loop:storage/store usage.bytes-granted": _BYTES,
    "loop:pkg/types release.size": _BYTES,
    "loop:pkg/registry blob.size": _BYTES,
    "loop:pkg/registry open.offset": "where a download goes on, in bytes",
    "loop:pkg/resolver progress.bytes-done": _BYTES,
    "loop:pkg/resolver progress.bytes-total": _BYTES,
    "loop:gfx/types buffer.size": _GPU,
    "loop:gfx/types binding-kind.buffer": _GPU,
    "loop:gfx/types bound.buffer": _GPU,
    "loop:gfx/types attribute.offset": _GPU,
    "loop:gfx/types vertex-layout.stride": _GPU,
    "loop:gfx/types buffer-write.offset": _GPU,
    "loop:gfx/types set-vertex-buffer.offset": _GPU,
    "loop:gfx/types set-index-buffer.offset": _GPU,
    "loop:gfx/types copy-buffer.src-offset": _GPU,
    "loop:gfx/types copy-buffer.dst-offset": _GPU,
    "loop:gfx/types copy-buffer.size": _GPU,
    "loop:gfx/types buffer-place.offset": _GPU,
    "loop:gfx/types read-buffer.offset": _GPU,
    "loop:gfx/types command.draw-indirect": _GPU,
    "loop:gfx/types command.draw-indexed-indirect": _GPU,
    "loop:gfx/types command.dispatch-indirect": _GPU,
}

# Names that say: this identifies something. Never 64 bits wide, whatever the reason.
IDENTIFIER = re.compile(r"(^|-)(id|ids|cursor|handle|token|version|generation|revision|request"
                        r"|sequence|serial|slot|tag|key|node|fiber|window)$")
WAITING_NAME = re.compile(r"(^|-)(wait|await|block|blocking|join|sleep|receive|recv)(-|$)")
MAY_WAIT = re.compile(r"\bmay wait\b", re.IGNORECASE)
# All that a package whose functions do not wait takes from WASI.
QUIET_WASI = re.compile(r"wasi:io/poll@")
SETTLED = re.compile(r"(?:^|[.:)]\s+|\n\s*)(Settled|Draft|Sketch)\b")

RULES = {
    "vendored": "wit/deps is what wit/wit.lock says",
    "parse": "the package parses; types stand inside interfaces or worlds",
    "accepted": "a component can be made for every world",
    "package": "a folder holds the package of its name, with a version, and has a row in PACKAGES",
    "use-version": "other packages are named with their version",
    "layers": "loop:core names no other loop:* package; the rest only what PACKAGES allows",
    "worlds": "worlds are composed of named interfaces of loop:* and wasi:*",
    "header": "a file's first comment says how settled it is: Settled, Draft or Sketch",
    "docs": "every interface, function, resource and world has a doc comment",
    "no-constructor": "resources come from functions",
    "result-error": "a gateable function returns result<_, error> with unavailable and denied",
    "wide-id": "no 64-bit number is an id, a cursor or unexplained",
    "batch": "functions of ui, window, gfx and dom take lists",
    "no-async": "no async functions, streams or futures of the component model",
    "no-wait": "no function of a package that does not wait can wait",
    "says-wait": "an interface that may wait says so in its docs",
    "example": "an example in the notes compiles, or breaks the rule that it shows",
}


@dataclass
class Problem:
    where: str
    rule: str
    text: str
    hint: str

    def __str__(self):
        return f"{self.where}: [{self.rule}] {self.text}\n    {self.hint}"


class CannotRun(Exception):
    pass


# --- wasm-tools -------------------------------------------------------------

def find_wasm_tools():
    named = os.environ.get("WASM_TOOLS")
    found = named if named and os.access(named, os.X_OK) else shutil.which(named or "wasm-tools")
    if not found:
        raise CannotRun("wasm-tools is not there"
                        + (f": WASM_TOOLS is '{named}'" if named else " on PATH")
                        + "; set WASM_TOOLS to its path, or run `make setup`")
    return found


def run_tool(tool, *arguments):
    """(output, None) or (None, what it said)."""
    done = subprocess.run([tool, *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return done.stdout, None
    message = done.stderr.decode(errors="replace").strip()
    return None, message or f"wasm-tools ended with status {done.returncode}"


# --- the parsed package -----------------------------------------------------

class Parsed:
    """One package of the JSON, with what the rules ask of it."""

    def __init__(self, data, name, folder):
        self.data = data
        self.types = data["types"]
        self.name = name                              # loop:storage@0.1.0
        self.plain = name.split("@")[0]               # loop:storage
        self.folder = folder
        self.row = PACKAGES.get(self.plain.split(":")[1], Package())
        package = next(p for p in data["packages"] if p["name"] == name)
        self.interfaces = {n: data["interfaces"][i] for n, i in package["interfaces"].items()}
        self.worlds = {n: data["worlds"][i] for n, i in package["worlds"].items()}
        self.ids = package["interfaces"]

    def type(self, ref):
        """The definition behind a reference, through aliases; a string if primitive."""
        while not isinstance(ref, str):
            kind = self.types[ref]["kind"]
            if isinstance(kind, dict) and "type" in kind:
                ref = kind["type"]
            else:
                return self.types[ref]
        return ref

    def own_types(self, interface):
        """Named types that the interface defines; not those it uses from another."""
        for name, ref in interface["types"].items():
            kind = self.types[ref]["kind"]
            target = kind.get("type") if isinstance(kind, dict) else None
            if isinstance(target, int) and self.types[target]["owner"] != self.types[ref]["owner"]:
                continue
            yield name, ref

    def wide(self, ref):
        """Whether a 64-bit integer stands here, through aliases, lists, options and so on, but
        not inside other named records and variants: those are looked at by themselves."""
        definition = self.type(ref)
        if isinstance(definition, str):
            return definition in ("u64", "s64")
        if definition["name"] is not None and ref is not None:
            kind = definition["kind"]
            if isinstance(kind, str) or next(iter(kind)) in ("record", "variant", "enum", "flags"):
                return False
        return any(self.wide(part) for part in parts_of(definition["kind"]))

    def mentions(self, ref, kinds, seen=None):
        """Whether a type holds one of these kinds ('list', 'stream'), at any depth."""
        seen = set() if seen is None else seen
        if isinstance(ref, str) or ref is None or ref in seen:
            return False
        seen.add(ref)
        kind = self.types[ref]["kind"]
        if isinstance(kind, str):
            return kind in kinds
        if next(iter(kind)) in kinds:
            return True
        return any(self.mentions(part, kinds, seen) for part in parts_of(kind))

    def called_by_host(self, interface_name):
        """Exported by a world of the package and imported by none but the world `drivers`, which is a host: nothing
        to gate."""
        number = self.ids[interface_name]

        def has(side):
            return any(item.get("interface", {}).get("id") == number
                       for name, world in self.worlds.items() if (side, name) != ("imports", "drivers")
                       for item in world[side].values())
        return has("exports") and not has("imports")

    def place(self, kind, name, member=None):
        """file:line of a declaration, as good as text can tell."""
        for path in sorted(self.folder.glob("*.wit")):
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines):
                if re.match(rf"\s*{kind}\s+%?{re.escape(name)}\b", line):
                    if member:
                        for offset, inner in enumerate(lines[number:]):
                            if re.match(rf"\s*(?:(?:record|variant|enum|flags|resource|type)\s+)?"
                                        rf"%?{re.escape(member)}\s*[:({{=,;]", inner):
                                return f"{path}:{number + offset + 1}"
                    return f"{path}:{number + 1}"
        return str(self.folder)


def parts_of(kind):
    """The types directly inside a type."""
    if isinstance(kind, str):
        return []
    (tag, body), = kind.items()
    if tag in ("type", "list", "option", "stream", "future"):
        return [] if body is None else [body]
    if tag == "fixed-length-list":
        return [body[0]]
    if tag == "map":
        return list(body) if isinstance(body, list) else list(body.values())
    if tag == "tuple":
        return body["types"]
    if tag == "result":
        return [part for part in (body["ok"], body["err"]) if part is not None]
    if tag == "record":
        return [entry["type"] for entry in body["fields"]]
    if tag == "variant":
        return [case["type"] for case in body["cases"] if case["type"] is not None]
    return []


def has_docs(item):
    return bool((item.get("docs") or {}).get("contents", "").strip())


def docs_of(item):
    return (item.get("docs") or {}).get("contents", "")


def short(function_name):
    """'bucket.get' for '[method]bucket.get'."""
    return re.sub(r"^\[[a-z-]+\]", "", function_name)


def functions(parsed):
    """(interface name, interface, function name, function, file:line)."""
    for name, interface in parsed.interfaces.items():
        for function_name, function in interface["functions"].items():
            member = short(function_name).split(".")[-1]
            place = parsed.place("interface", name, member)
            yield name, interface, function_name, function, place


def parameters(function):
    return [p for p in function["params"] if p["name"] != "self"]


# --- rules over text --------------------------------------------------------

def first_comment(text):
    """The comment that a file begins with, `///` or `//`, without its slashes."""
    lines = []
    for line in text.lstrip("\ufeff\n ").splitlines():
        match = re.match(r"\s*///?(?!/) ?(.*)", line)
        if not match:
            break
        lines.append(match[1])
    return "\n".join(lines)


def rule_header(folder):
    for path in sorted(folder.glob("*.wit")):
        if not SETTLED.search(first_comment(path.read_text(encoding="utf-8"))):
            yield Problem(f"{path}:1", "header", "the header does not say how settled the file is",
                          "begin a sentence of the first comment with Settled, Draft or Sketch")


def rule_use_version(folder):
    for path in sorted(folder.glob("*.wit")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in wit_vendor.REFERENCE.finditer(re.sub(r"//.*", "", line)):
                if not match[3]:
                    yield Problem(f"{path}:{number}", "use-version", f"'{match[0]}' has no version",
                                  "write package/interface@version, the one that wit/ has")


def rule_layers(folder, name):
    plain = name.split("@")[0].split(":")[1]
    allowed = PACKAGES[plain].depends if plain in PACKAGES else set()
    for other in sorted(wit_vendor.references(folder)):
        namespace, rest = other.split(":")
        other_plain = rest.split("@")[0]
        if namespace == "loop" and other_plain not in allowed | {plain}:
            yield Problem(str(folder), "layers", f"loop:{plain} names loop:{other_plain}",
                          "core stands alone; another package may be named when the `depends` "
                          "of its row in tools/check_wit.py says so, without a cycle")
        elif namespace not in ("loop", "wasi"):
            yield Problem(str(folder), "worlds", f"loop:{plain} names {other}",
                          "loop:* packages are made of loop:* and wasi:* only")


# --- rules over the parsed package ------------------------------------------

def rule_docs(parsed):
    for name, interface in parsed.interfaces.items():
        if not has_docs(interface):
            yield Problem(parsed.place("interface", name), "docs", f"interface {name} has no docs",
                          "write `///` above it: what it is for, in a sentence")
        for type_name, ref in parsed.own_types(interface):
            if parsed.types[ref]["kind"] == "resource" and not has_docs(parsed.types[ref]):
                yield Problem(parsed.place("interface", name, type_name), "docs",
                              f"resource {name}.{type_name} has no docs",
                              "write `///` above it: what it is and what dropping it does")
    for name, _, function_name, function, place in functions(parsed):
        if not has_docs(function):
            yield Problem(place, "docs", f"function {name}.{short(function_name)} has no docs",
                          "write `///` above it: what it does and when it fails")
    for name, world in parsed.worlds.items():
        if not has_docs(world):
            yield Problem(parsed.place("world", name), "docs", f"world {name} has no docs",
                          "write `///` above it: who includes it")


def rule_worlds(parsed):
    for world_name, world in parsed.worlds.items():
        for side in ("imports", "exports"):
            for key, item in world[side].items():
                number = item.get("interface", {}).get("id")
                named = number is not None and parsed.data["interfaces"][number]["name"]
                if not named and "type" not in item:
                    yield Problem(parsed.place("world", world_name), "worlds",
                                  f"world {world_name} {side[:-1]}s '{key}', which is no named "
                                  "interface",
                                  "give it a name in an interface, then import or export that")


def rule_no_constructor(parsed):
    for name, _, function_name, _, place in functions(parsed):
        if function_name.startswith("[constructor]"):
            yield Problem(place, "no-constructor",
                          f"resource {name}.{short(function_name)} has a constructor",
                          "a constructor cannot fail: make a function that returns "
                          "result<the resource, error>")


def rule_result_error(parsed):
    if not parsed.row.gateable:
        return
    for name, _, function_name, function, place in functions(parsed):
        if function_name.startswith("[constructor]") or parsed.called_by_host(name):
            continue
        result = parsed.type(function["result"]) if "result" in function else None
        wrong = None
        if not isinstance(result, dict) or "result" not in result["kind"]:
            wrong = "does not return a result"
        else:
            error = result["kind"]["result"]["err"]
            kind = parsed.type(error)["kind"] if isinstance(error, int) else {}
            cases = {case["name"] for case in next(iter(kind.values()), {}).get("cases", [])} \
                if isinstance(kind, dict) else set()
            if not {"unavailable", "denied"} <= cases:
                wrong = "has an error without the cases unavailable and denied"
        if wrong:
            yield Problem(place, "result-error", f"{name}.{short(function_name)} {wrong}",
                          "return result<_, error> with `use loop:core/types@….{error}`, so that "
                          "a stub can answer when the import is not granted")


def rule_wide_id(parsed, used=None):
    """Also marks the rows of QUANTITIES that are in use."""
    def entries():
        for name, interface in parsed.interfaces.items():
            for type_name, ref in parsed.own_types(interface):
                kind = parsed.types[ref]["kind"]
                tag = kind if isinstance(kind, str) else next(iter(kind))
                if tag in ("record", "variant"):
                    body = kind[tag]
                    for part in body["fields" if tag == "record" else "cases"]:
                        if part["type"] is not None:
                            yield name, f"{type_name}.{part['name']}", part["name"], part["type"]
                elif tag not in ("resource", "enum", "flags"):
                    yield name, type_name, type_name, ref
        for name, _, function_name, function, _ in functions(parsed):
            for parameter in parameters(function):
                yield (name, f"{short(function_name)}.{parameter['name']}", parameter["name"],
                       parameter["type"])
            if "result" in function:
                member = short(function_name).split(".")[-1]
                yield name, f"{short(function_name)} ->", member, function["result"]

    for interface, path, last, ref in entries():
        if not parsed.wide(ref):
            continue
        key = f"{parsed.plain}/{interface} {path}"
        member = path.split(" ")[0].split(".")[-1]
        place = parsed.place("interface", interface, member)
        if IDENTIFIER.search(last):
            yield Problem(place, "wide-id", f"{interface}: {path} is 64 bits wide and names "
                          "something", "use u32, a string or bytes: JavaScript rounds above 2^53, "
                          "and two different ids become one")
        elif key not in QUANTITIES:
            yield Problem(place, "wide-id", f"{interface}: {path} is 64 bits wide",
                          "use u32 or f64; if it is a quantity that needs 64 bits, add "
                          f"'{key}' to QUANTITIES in tools/check_wit.py with the reason")
        elif used is not None:
            used.add(key)


def rule_batch(parsed):
    if not parsed.row.batches:
        return
    for name, _, function_name, function, place in functions(parsed):
        given = parameters(function)
        if given and not any(parsed.type(p["type"]) != "string"
                             and parsed.mentions(p["type"], {"list"}) for p in given):
            yield Problem(place, "batch",
                          f"{name}.{short(function_name)} takes one thing at a time",
                          "take a list: one call a turn is cheap, one call a thing is not")


def rule_no_async(parsed):
    for name, _, function_name, function, place in functions(parsed):
        kind = function["kind"]
        tag = kind if isinstance(kind, str) else next(iter(kind))
        refs = [p["type"] for p in function["params"]] + [function.get("result")]
        if tag.startswith("async") or any(parsed.mentions(r, {"stream", "future"}) for r in refs):
            yield Problem(place, "no-async",
                          f"{name}.{short(function_name)} is async, or has a stream or a future",
                          "loop's engine is built without them: offer a pollable, or send an event")


def rule_no_wait(parsed):
    if parsed.row.waits:
        return
    for name, interface in parsed.interfaces.items():
        place = parsed.place("interface", name)
        for item in [interface, *interface["functions"].values()]:
            if MAY_WAIT.search(docs_of(item)):
                yield Problem(place, "no-wait", f"the docs of {name} say that it may wait",
                              f"nothing in {parsed.plain} waits; return at once and send an event "
                              "or offer a pollable")
                break
    for name, _, function_name, _, place in functions(parsed):
        if WAITING_NAME.search(short(function_name).split(".")[-1]):
            yield Problem(place, "no-wait", f"{name}.{short(function_name)} waits by its name",
                          f"nothing in {parsed.plain} waits; return at once and send an event or "
                          "offer a pollable")
    for path in sorted(parsed.folder.glob("*.wit")):
        text = wit_vendor.strip_comments(path.read_text(encoding="utf-8"))
        for match in re.finditer(r"\buse\s+(wasi:[^.{;]+(?:\.[^{;]+)?)", text):
            if not QUIET_WASI.match(match[1]):
                yield Problem(str(path), "no-wait", f"uses types of {match[1].rstrip('.')}",
                              "functions on them wait; a package that does not wait takes only "
                              "wasi:io/poll")


def rule_says_wait(parsed):
    if not parsed.row.waits:
        return
    for name, interface in parsed.interfaces.items():
        if interface["functions"] and not parsed.called_by_host(name) \
                and not MAY_WAIT.search(docs_of(interface)):
            yield Problem(parsed.place("interface", name), "says-wait",
                          f"interface {name} does not say that it may wait",
                          "say in its docs \"May wait:\" and which functions do")


PARSED_RULES = [rule_docs, rule_worlds, rule_no_constructor, rule_result_error, rule_batch,
                rule_no_async, rule_no_wait, rule_says_wait]


# --- a package, whole -------------------------------------------------------

def check_package(tool, wit, folder, counts, used):
    """All problems of one folder of loop's own."""
    name = wit_vendor.package_of(folder)
    if name is None or not re.fullmatch(rf"loop:{re.escape(folder.name)}@\d+\.\d+\.\d+", name) \
            or folder.name not in PACKAGES:
        yield Problem(str(folder), "package",
                      f"holds {name or 'no `package` line'}, not loop:{folder.name}@version, "
                      "or has no row in PACKAGES",
                      "name the folder after its package, give it a version, and describe it in "
                      "PACKAGES in tools/check_wit.py")
        return
    yield from rule_header(folder)
    unversioned = list(rule_use_version(folder))
    yield from unversioned
    yield from rule_layers(folder, name)
    if unversioned:
        return      # it would not parse, for the same reason
    with tempfile.TemporaryDirectory(prefix="check-wit-") as scratch:
        tree = Path(scratch) / "tree"
        wit_vendor.tree(wit, folder, tree)
        output, message = run_tool(tool, "component", "wit", "--json", tree)
        if output is None:
            yield Problem(str(folder), "parse", "does not parse:\n      "
                          + message.replace(str(tree), str(folder)).replace("\n", "\n      "),
                          "types, functions and uses stand inside an interface or a world")
            return
        parsed = Parsed(json.loads(output), name, folder)
        for rule in PARSED_RULES:
            yield from rule(parsed)
        yield from rule_wide_id(parsed, used)
        counts["interfaces"] += len(parsed.interfaces)
        counts["functions"] += sum(len(i["functions"]) for i in parsed.interfaces.values())
        for world in parsed.worlds:
            counts["worlds"] += 1
            message = make_component(tool, tree, name, world, Path(scratch))
            if message:
                yield Problem(parsed.place("world", world), "accepted",
                              f"no component can be made for world {world}:\n      "
                              + message.replace("\n", "\n      "),
                              "what a generator refuses, a user cannot bind to")


def make_component(tool, tree, package, world, scratch):
    """None, or what wasm-tools says against a component with this world."""
    plain, version = package.split("@")
    core, component = scratch / "core.wasm", scratch / "component.wasm"
    for arguments in (("component", "embed", tree, "--dummy", "--world",
                       f"{plain}/{world}@{version}", "-o", core),
                      ("component", "new", core, "-o", component)):
        _, message = run_tool(tool, *arguments)
        if message:
            return message
    return None


def check_vendored(tool, wit):
    try:
        for path, what in wit_vendor.check(wit):
            yield Problem(str(path), "vendored", "is not what wit/wit.lock says", what)
        packages = {p["wit"]: p["folder"] for p in wit_vendor.read_lock(wit)}
    except wit_vendor.VendorError as error:
        yield Problem(str(wit / "wit.lock"), "vendored", str(error), "see tools/wit_vendor.py")
        return
    for name, folder in packages.items():
        path = wit / "deps" / folder
        if not path.is_dir():
            continue
        if wit_vendor.package_of(path) != name:
            yield Problem(str(path), "vendored", f"does not hold {name}, as the lock says",
                          "run `tools/wit_vendor.py update`")
            continue
        with tempfile.TemporaryDirectory(prefix="check-wit-") as scratch:
            wit_vendor.tree(wit, path, Path(scratch) / "tree")
            _, message = run_tool(tool, "component", "wit", Path(scratch) / "tree")
        if message:
            yield Problem(str(path), "parse", "does not parse:\n      "
                          + message.replace("\n", "\n      "), "vendor what it needs, too")


# --- examples in the notes --------------------------------------------------

FENCE = re.compile(r"^```wit([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


def check_example(tool, wit, note, text, match, counts):
    """A ```wit fence: it compiles. ```wit breaks=RULE: as a loop:* package it breaks that rule."""
    line = text.count("\n", 0, match.start()) + 1
    place = f"{note}:{line}"
    options = match[1].split()
    breaks = [o.removeprefix("breaks=") for o in options if o.startswith("breaks=")]
    body = match[2]
    if not wit_vendor.PACKAGE_LINE.search(wit_vendor.strip_comments(body)):
        body = "package example:notes@0.1.0;\n" + body
    counts["examples"] += 1
    with tempfile.TemporaryDirectory(prefix="check-wit-") as scratch:
        scratch = Path(scratch)
        name = wit_vendor.PACKAGE_LINE.search(wit_vendor.strip_comments(body))[1]
        folder = scratch / name.split("@")[0].split(":")[1]
        folder.mkdir()
        (folder / "example.wit").write_text(body, encoding="utf-8")
        if breaks:
            found = {p.rule for p in check_package(tool, wit, folder,
                                                   dict.fromkeys(counts, 0), None)}
            if set(breaks) - found:
                yield Problem(place, "example", f"should break {', '.join(breaks)}, but breaks "
                              f"{', '.join(sorted(found)) or 'nothing'}",
                              "change the example or its `breaks=`")
            return
        tree = scratch / "tree"
        wit_vendor.tree(wit, folder, tree)
        output, message = run_tool(tool, "component", "wit", "--json", tree)
        if output is not None:
            data = json.loads(output)
            package = next(p for p in data["packages"] if p["name"] == name)
            for world in package["worlds"]:
                message = message or make_component(tool, tree, name, world, scratch)
        if message:
            yield Problem(place, "example",
                          "does not compile:\n      " + message.replace("\n", "\n      "),
                          "examples are compiled as they stand")


# --- main -------------------------------------------------------------------

def check_all(tool, wit, notes):
    """(problems, counts)."""
    counts = dict.fromkeys(("packages", "interfaces", "functions", "worlds", "examples"), 0)
    problems, used = list(check_vendored(tool, wit)), set()
    folders = [p for p in sorted(wit.iterdir()) if p.is_dir() and p.name != "deps"]
    try:
        wit_vendor.all_packages(wit)
    except wit_vendor.VendorError as error:
        problems.append(Problem(str(wit), "package", str(error), "fix or remove the folder"))
        return problems, counts
    for folder in folders:
        counts["packages"] += 1
        problems += check_package(tool, wit, folder, counts, used)
    present = {f"loop:{folder.name}" for folder in folders}
    for key in QUANTITIES.keys() - used:
        if key.split("/")[0] in present:
            problems.append(Problem("tools/check_wit.py", "wide-id", f"QUANTITIES has '{key}', "
                                    "which is not there or not 64 bits wide", "remove the row"))
    for note in sorted(notes.rglob("*.md")) if notes.is_dir() else []:
        text = note.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            problems += check_example(tool, wit, note, text, match, counts)
    return problems, counts


def main(argv=None):
    parser = argparse.ArgumentParser(description="checks wit/ and the examples in the notes")
    parser.add_argument("--wit", type=Path, default=ROOT / "wit")
    parser.add_argument("--notes", type=Path, default=ROOT / "knowledge")
    parser.add_argument("--rules", action="store_true", help="print the rules and end")
    arguments = parser.parse_args(argv)
    if arguments.rules:
        for name, text in RULES.items():
            print(f"{name:16} {text}")
        return 0
    try:
        tool = find_wasm_tools()
        problems, counts = check_all(tool, arguments.wit, arguments.notes)
    except CannotRun as error:
        print(f"check_wit: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(str(problem).replace(f"{ROOT}{os.sep}", ""), file=sys.stderr)
    summary = ", ".join(f"{number} {what}" for what, number in counts.items())
    print(f"check_wit: {summary}: {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
