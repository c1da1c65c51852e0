#!/usr/bin/env python3
"""TypeScript's declarations for every interface of wit/, for components in JavaScript.

    tools/gen_js_types.py            compares sdk/js/types with what the WIT says; status 1 where they differ
    tools/gen_js_types.py --write    writes them anew, after a change in wit/

One file a package, one module an interface ("loop:core/logging"), with the documentation of the
WIT. The values are those of componentize-qjs: every number is a number, what is none is null, a
list is an array (of bytes a Uint8Array), an error of a function is thrown. `jco guest-types` writes
declarations for StarlingMonkey, which differs in these points. wasm-tools reads the WIT.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "sdk/js/types"
PACKAGES = ("core", "storage", "ui", "window", "gfx", "dom", "fx", "process", "pkg", "devserver", "command")
RESERVED = {"arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default",
            "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function",
            "if", "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package",
            "private", "protected", "public", "return", "static", "super", "switch", "this", "throw", "true",
            "try", "typeof", "var", "void", "while", "with", "yield"}
PLAIN = {"bool": "boolean", "string": "string", "char": "string"} | dict.fromkeys(
    ("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"), "number")


def wasm_tools():
    cache = os.environ.get("LOOP_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "loop")
    return os.environ.get("WASM_TOOLS") or os.path.join(cache, "venv/bin/wasm-tools")


def resolve():
    """Everything in wit/ as wasm-tools reads it: a package that includes all the others."""
    with tempfile.TemporaryDirectory() as folder:
        deps = Path(folder) / "deps"
        for name in PACKAGES:
            shutil.copytree(ROOT / "wit" / name, deps / f"loop-{name}")
        for source in (ROOT / "wit/deps").glob("*-0.2.0"):
            shutil.copytree(source, deps / source.name)
        worlds = []
        for name in PACKAGES:
            text = "".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "wit" / name).glob("*.wit")))
            version = re.search(r"^package loop:[\w-]+@([\d.]+);", text, re.M)[1]
            worlds += [f"import loop:{name}/{i}@{version};" for i in re.findall(r"^interface ([\w-]+)", text, re.M)]
        (Path(folder) / "all.wit").write_text(
            "package loop:all;\nworld all {\n" + "\n".join(worlds) + "\ninclude loop:command/http-command@0.1.0;\n}\n",
            encoding="utf-8")
        out = subprocess.run([wasm_tools(), "component", "wit", "--json", "--all-features", folder], check=True,
                             stdout=subprocess.PIPE).stdout
    return json.loads(out)


def camel(name):
    head, *rest = name.split("-")
    return head.lower() + "".join(part[:1].upper() + part[1:].lower() for part in rest)


def pascal(name):
    return "".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def local(name):
    return f"{name}_" if name in RESERVED else name


def comment(docs, indent):
    text = (docs or {}).get("contents", "").strip().replace("*/", "* /")
    if not text:
        return ""
    lines = text.split("\n")
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"


class Interface:
    """One interface as a module: what it declares, and what it uses of others."""

    def __init__(self, wit, number):
        self.wit, self.number, self.interface = wit, number, wit["interfaces"][number]
        self.uses = {}  # module: names

    def module(self, number):
        interface = self.wit["interfaces"][number]
        package, _, _ = self.wit["packages"][interface["package"]]["name"].partition("@")
        return f"{package}/{interface['name']}"

    # --- types where they are used ---

    def name_of(self, number):
        """A named type as this module calls it; those of others are imported."""
        t = self.wit["types"][number]
        owner = (t["owner"] or {}).get("interface")
        name = pascal(t["name"])
        if owner is not None and owner != self.number:
            self.uses.setdefault(self.module(owner), set()).add((name, name))
        return name

    def type(self, t):
        if isinstance(t, str):
            return PLAIN[t]
        row = self.wit["types"][t]
        return self.name_of(t) if row["name"] else self.kind(row["kind"])

    def is_option(self, t):
        while isinstance(t, int):
            kind = self.wit["types"][t]["kind"]
            if isinstance(kind, dict) and "option" in kind:
                return True
            t = kind.get("type") if isinstance(kind, dict) else None
        return False

    def kind(self, kind):
        """The type that a kind without a name stands for."""
        (what, of), = kind.items()
        if what == "type":
            return self.type(of)
        if what == "handle":
            (_, resource), = of.items()
            return self.type(resource)
        if what == "list":
            inner = self.type(of)
            return "Uint8Array" if of == "u8" else f"{inner}[]" if re.fullmatch(r"[\w.]+", inner) else f"Array<{inner}>"
        if what == "tuple":
            return "[" + ", ".join(self.type(x) for x in of["types"]) + "]"
        if what == "option":
            inner = self.type(of)
            return f'{{ tag: "some"; val: {inner} }} | null' if self.is_option(of) else f"{inner} | null"
        if what == "result":
            ok, err = (f"; val: {self.type(of[k])}" if of.get(k) is not None else "" for k in ("ok", "err"))
            return f'{{ tag: "ok"{ok} }} | {{ tag: "err"{err} }}'
        raise ValueError(f"{what} has no name")

    # --- declarations ---

    def declare(self, number):
        t = self.wit["types"][number]
        name, kind = pascal(t["name"]), t["kind"]
        head = comment(t.get("docs"), "    ")
        if kind == "resource":
            return head + self.resource(number, name)
        (what, of), = kind.items()
        if what == "type" and isinstance(of, int) and self.wit["types"][of]["name"]:
            there = self.wit["types"][of]
            owner = (there["owner"] or {}).get("interface")
            if owner is not None and owner != self.number:
                self.uses.setdefault(self.module(owner), set()).add((pascal(there["name"]), name))
                return f"    export type {{ {name} }};\n"
        if what == "record":
            return head + f"    export interface {name} {{\n" + "".join(self.field(f) for f in of["fields"]) + "    }\n"
        if what == "flags":
            return head + f"    export interface {name} {{\n" + "".join(
                comment(f.get("docs"), "        ") + f"        {camel(f['name'])}?: boolean;\n"
                for f in of["flags"]) + "    }\n"
        if what == "enum":
            return head + f"    export type {name} =" + "".join(
                "\n" + comment(c.get("docs"), "        ") + f'        | "{c["name"]}"' for c in of["cases"]) + ";\n"
        if what == "variant":
            return head + f"    export type {name} =" + "".join("\n" + self.case(c) for c in of["cases"]) + ";\n"
        return head + f"    export type {name} = {self.kind(kind)};\n"

    def case(self, c):
        value = f"; val: {self.type(c['type'])}" if c.get("type") is not None else ""
        return comment(c.get("docs"), "        ") + f'        | {{ tag: "{c["name"]}"{value} }}'

    def field(self, f):
        mark = "?" if self.is_option(f["type"]) else ""
        return comment(f.get("docs"), "        ") + f"        {camel(f['name'])}{mark}: {self.type(f['type'])};\n"

    def resource(self, number, name):
        """A class: its constructor, methods and statics are functions of the interface."""
        body, made = "", False
        for f in self.interface["functions"].values():
            kind = f["kind"]
            if not isinstance(kind, dict) or number not in kind.values():
                continue
            (what, _), = kind.items()
            made |= what == "constructor"
            called = f["name"].split("]")[1].rpartition(".")[2]
            head = comment(f.get("docs"), "        ")
            if what == "constructor":
                body += head + f"        constructor({self.params(f['params'])});\n"
            else:
                own = f["params"] if what == "static" else f["params"][1:]
                static = "static " if what == "static" else ""
                body += head + f"        {static}{camel(called)}({self.params(own)}): {self.result(f)};\n"
        if not made:
            body = "        private constructor();\n" + body
        return f"    export class {name} {{\n{body}        /** Gives it back to who made it. */\n" \
               "        [Symbol.dispose](): void;\n    }\n"

    def params(self, params):
        return ", ".join(f"{local(camel(p['name']))}: {self.type(p['type'])}" for p in params)

    def result(self, f):
        """What it answers; the error of a result is thrown."""
        t = f.get("result")
        if t is None:
            return "void"
        if isinstance(t, int):
            row = self.wit["types"][t]
            if not row["name"] and isinstance(row["kind"], dict) and "result" in row["kind"]:
                ok = row["kind"]["result"].get("ok")
                return self.type(ok) if ok is not None else "void"
        return self.type(t)

    def throws(self, f):
        t = f.get("result")
        if isinstance(t, int) and not self.wit["types"][t]["name"]:
            kind = self.wit["types"][t]["kind"]
            if isinstance(kind, dict) and "result" in kind and kind["result"].get("err") is not None:
                return self.type(kind["result"]["err"])
        return None

    def function(self, f):
        name = camel(f["name"])
        docs = dict(f.get("docs") or {})
        thrown = self.throws(f)
        if thrown:
            docs["contents"] = f"{docs.get('contents', '')}\n\n@throws {{{thrown}}}".strip()
        text = comment(docs, "    ")
        if name not in RESERVED:
            return f"{text}    export function {name}({self.params(f['params'])}): {self.result(f)};\n"
        return f"{text}    function {name}_({self.params(f['params'])}): {self.result(f)};\n" \
               f"    export {{ {name}_ as {name} }};\n"

    def text(self):
        free = [f for f in self.interface["functions"].values() if f["kind"] == "freestanding"]
        body = "".join(self.declare(t) for t in self.interface["types"].values())
        body += "".join(self.function(f) for f in free)
        defaults = [camel(f["name"]) for f in free]
        if defaults:
            rows = ", ".join(f"{n}: typeof {local(n)}" for n in defaults)
            body += f"    const all: {{ {rows} }};\n    export default all;\n"
        imports = "".join(
            f'    import type {{ {", ".join(a if a == b else f"{a} as {b}" for a, b in sorted(names))} }} from "{module}";\n'
            for module, names in sorted(self.uses.items()))
        head = comment(self.interface.get("docs"), "")
        module = self.module(self.number)
        version = self.wit["packages"][self.interface["package"]]["name"].partition("@")[2]
        more = "    export { default } from " if defaults else "    export * from "
        second = f'declare module "{module}@{version}" {{\n    export * from "{module}";\n' + \
                 (f'{more}"{module}";\n' if defaults else "") + "}\n"
        return f'{head}declare module "{module}" {{\n{imports}{body}}}\n{second}'


def files():
    wit, found = resolve(), {}
    for package in wit["packages"]:
        name = package["name"].partition("@")[0].replace(":", "-")
        texts = [Interface(wit, number).text() for _, number in sorted(package["interfaces"].items())]
        if texts and name != "loop-all":
            found[f"{name}.d.ts"] = f"/* {package['name']}: made from wit/ by tools/gen_js_types.py. */\n\n" + "\n".join(texts)
    return found


def main():
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    wanted = files()
    there = {p.name: p.read_text(encoding="utf-8") for p in OUT.glob("*.d.ts")}
    if wanted == there:
        print("sdk/js/types: up to date")
        return
    for name in sorted(wanted.keys() | there.keys()):
        if wanted.get(name) == there.get(name):
            continue
        if not sys.argv[1:]:
            print(f"sdk/js/types/{name} is not what the WIT says", file=sys.stderr)
        elif name in wanted:
            OUT.mkdir(exist_ok=True)
            (OUT / name).write_text(wanted[name], encoding="utf-8")
            print(f"wrote sdk/js/types/{name}")
        else:
            (OUT / name).unlink()
    if not sys.argv[1:]:
        sys.exit("hint: tools/gen_js_types.py --write")


main()
