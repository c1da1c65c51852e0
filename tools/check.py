#!/usr/bin/env python3
"""Every static check: what the sources must be, whatever they do.

    check.py [--build DIR] [CHECK...]

Prints a line a check, what is wrong under it, and a verdict last:
`check: N clean, N failed, N skipped`. Exit status 1 when one failed. DIR has the
`loop` command (for the schema and the man pages). Sizes are told and fail nothing.

To add a check: a function that returns problems as lines (none: clean), raises
Skip with the reason where it cannot run, and has a row in CHECKS. Its first
line of documentation is what `check.py --list` shows.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("LOOP_CACHE_DIR") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loop")
GENERATED = re.compile(r"(^|/)gen/|^include/loop/wit/|^engine/wasi_rows\.c$")
FILE_LINES, FUNCTION_LINES = 500, 60  # told when longer


class Skip(Exception):
    """This check cannot run here, and why."""


def run(*command, **more):
    """Status and everything that was printed."""
    env = {"WASM_TOOLS": str(CACHE / "venv/bin/wasm-tools")} | dict(os.environ)
    done = subprocess.run([str(c) for c in command], cwd=ROOT, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace")


def tool(*command):
    """The problems of a tool that has a verdict of its own."""
    status, out = run(*command)
    return out.splitlines() or [f"{command[-1]} ended with {status}"] if status else []


def tracked(*patterns):
    """Files of this project, those that are new included."""
    if not (ROOT / ".git").exists():
        raise Skip("this is no git checkout")
    status, out = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns)
    if status:
        raise Skip(out.strip())
    return [ROOT / name for name in sorted(set(out.splitlines())) if (ROOT / name).is_file()]


def others():
    """Every file but this one, which has to name what it looks for."""
    return [path for path in tracked() if path != Path(__file__).resolve()]


def own_sources():
    return [path for path in tracked("*.c", "*.h")
            if not GENERATED.search(path.relative_to(ROOT).as_posix())]


def name(path):
    return path.relative_to(ROOT).as_posix()


# --- the checks ------------------------------------------------------------------------

def layers(args):
    """Who may use whom, by the table in ARCHITECTURE.md."""
    return tool(sys.executable, "tools/check_layers.py") + tool(
        sys.executable, "tools/test_check_layers.py")


def wit(args):
    """WIT: loop's rules, the examples in the notes, a generator accepts it."""
    return tool(sys.executable, "tools/check_wit.py")


def wit_vendored(args):
    """wit/deps is what the lock says."""
    return tool(sys.executable, "tools/wit_vendor.py", "check")


def wasi_rows(args):
    """engine/wasi_rows.c is what the pinned engine has."""
    return tool(sys.executable, "tools/gen_wasi_rows.py", "--check")


def guest_bindings(args):
    """The guest bindings that are checked in are what the WIT says."""
    return tool("sh", "tools/check_guest_bindings.sh")


def js_types(args):
    """The types for components in JavaScript are what the WIT says."""
    return tool(sys.executable, "tools/gen_js_types.py")


def loop_command(args):
    path = args.build / "loop"
    if not path.exists():
        raise Skip(f"{path} is not built")
    return path


def drift(path, command):
    status, out = run(*command)
    if status:
        return [f"{name(path)}: `{' '.join(map(str, command))}` ended with {status}", *out.splitlines()]
    if not path.exists():
        return [f"{name(path)} is missing"]
    return [] if path.read_text(encoding="utf-8") == out else [f"{name(path)} is not what loop says"]


def bindings(args):
    """The C bindings that are checked in are what `loop bindgen c-host` makes of the WIT."""
    return tool("sh", "tools/gen_bindings.sh", "--loop", loop_command(args))


def generated_bindings():
    return (tracked("abi/gen/*.c", "providers/*gen/*.c"),
            tracked("include/loop/wit/*.h", "providers/*gen/*.h"))


WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I.", "-Iinclude"]


def bindings_compile(args):
    """They compile without a warning: gcc and clang 19, C17, the headers in C++17 too."""
    sources, headers = generated_bindings()
    modes = [([compiler, "-std=c17", "-Wstrict-prototypes"], sources) for compiler in ("gcc", "clang-19")]
    modes += [([compiler, "-x", "c++", "-std=c++17"], headers) for compiler in ("g++", "clang++-19")]
    problems = []
    for command, files in modes:
        if not shutil.which(command[0]):
            raise Skip(f"{command[0]} is not installed; `make setup`")
        for file in files:
            status, out = run(*command, *WARNINGS, "-fsyntax-only", file)
            if status:
                found = [line for line in out.splitlines() if "error:" in line][:5]
                problems += [f"{command[0]}: {line}" for line in found or [f"{name(file)} does not compile"]]
    return problems


def bindings_tidy(args):
    """clang-tidy 19 finds nothing in them."""
    if not shutil.which("clang-tidy-19"):
        raise Skip("clang-tidy-19 is not installed; `make setup`")
    # Functions of a WIT take what it says, in its order; <assert.h> stands for static_assert;
    # instead of memset one rule wants memset_s, which glibc and musl do not have.
    checks = "-*,bugprone-*,cert-*,clang-analyzer-*,misc-*,performance-*,portability-*," \
             "-bugprone-easily-swappable-parameters,-misc-include-cleaner," \
             "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
    status, out = run("clang-tidy-19", "--quiet", f"--checks={checks}", "--warnings-as-errors=*",
                      *generated_bindings()[0], "--", "-std=c17", "-I.", "-Iinclude")
    if not status:
        return []
    found = [line.replace(f"{ROOT}/", "") for line in out.splitlines() if " error: " in line]
    return found[:20] or out.splitlines()[-5:]


def schema(args):
    """loop.schema.json is what the rows of the options say, and JSON."""
    found = drift(ROOT / "loop.schema.json", [loop_command(args), "config", "schema"])
    if found:
        return found + ["hint: build/loop config schema >loop.schema.json"]
    try:
        json.loads((ROOT / "loop.schema.json").read_text(encoding="utf-8"))
    except ValueError as e:
        return [f"loop.schema.json: {e}"]
    return []


def man_pages(args):
    """man/ is what the rows of the commands say."""
    loop = loop_command(args)
    status, out = run(loop, "help")
    commands = re.findall(r"^  (\w+)  +\S", out.partition("Commands:")[2].partition("\n\n")[0], re.M)
    if status or not commands:
        return ["`loop help` lists no commands"]
    wanted = {ROOT / "man/loop.1": [loop, "help", "--man"]}
    wanted |= {ROOT / f"man/loop-{c}.1": [loop, "help", "--man", c] for c in commands}
    problems = [line for path, command in wanted.items() for line in drift(path, command)]
    problems += [f"{name(path)} is of no command" for path in sorted((ROOT / "man").glob("*.1"))
                 if path not in wanted]
    return problems + ["hint: build/loop help --man [COMMAND] writes one"] * bool(problems)


def formatting(args):
    """The C code is as clang-format 19 writes it."""
    if not shutil.which("clang-format-19"):
        raise Skip("clang-format-19 is not installed; `make setup`")
    status, out = run("clang-format-19", "--dry-run", "-Werror", *own_sources())
    if not status:
        return []
    places = re.findall(r"^(\S+?:\d+):\d+: error:", out, re.M)
    shown = [place.replace(f"{ROOT}/", "") for place in dict.fromkeys(places)]
    return shown[:20] + [f"... {len(shown) - 20} more"] * (len(shown) > 20) + ["hint: make fmt"]


# What names a registry or a mirror of somebody's own, and a folder of somebody's own.
REGISTRY = re.compile(
    r"(?im)^\s*(?:(?:extra-)?index-url|find-links|registry|replace-with)\s*[=:]\s*[\"']?https?://\S+|"
    r"\"resolved\"\s*:\s*\"https?://[^\"]+|--(?:(?:extra-)?index-url|registry)[= ]https?://\S+|:_authToken=|"
    r"registry\+(?!https://github\.com/rust-lang/crates\.io-index)[^\"\s]+|"
    r"https?://[\w.-]*(?:artifactory|nexus|jfrog|\.internal|\.corp|\.lan)\b[\w./-]*")
HOME = re.compile(r"(?<![\w}.-])/(?:root|home/(?!ada\b)[a-z_][\w-]*|Users/[\w-]+)/[^\s'\"`)]*")


def host_names(args):
    """No host of a registry and no absolute path into somebody's home in a tracked file."""
    problems = []
    for path in others():
        text = path.read_bytes().decode("latin-1")
        for pattern, what in ((REGISTRY, "names a registry"), (HOME, "names somebody's home")):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{name(path)}:{line}: {what}: {match[0].strip()[:80]}")
    return problems + ["hint: the user's own configuration says where packages come from; paths are "
                       "relative, or start at /home/ada in a document"] * bool(problems)


def licences(args):
    """The licence is there, and every locked package of the engine and of loop-wit says its own."""
    if "Apache License" not in (ROOT / "LICENSE").read_text(encoding="utf-8"):
        return ["LICENSE is not the Apache License"]
    allowed = re.compile(r"Apache-2\.0|MIT|BSD|ISC|Zlib|Unicode|CC0|Unlicense|0BSD|BSL|MPL-2\.0|CDLA-Permissive-2\.0")
    packages = []
    for manifest in ("engine/Cargo.toml", "engine/wit-tool/Cargo.toml"):
        status, out = run("cargo", "metadata", "--locked", "--offline", "--format-version", "1",
                          "--manifest-path", manifest)
        if status:
            raise Skip(f"cargo cannot say offline what {manifest} is made of")
        packages += json.loads(out[out.index('{"packages"'):])["packages"]
    return [f"{p['name']} {p['version']}: licence {p['license'] or 'not said'}" for p in packages
            if not allowed.search(p["license"] or "") and p["source"]]


def zig():
    for python in (CACHE / "venv/bin/python", Path(sys.executable)):
        if python.exists() and subprocess.run([python, "-m", "ziglang", "version"], check=False,
                                              capture_output=True).returncode == 0:
            return [python, "-m", "ziglang"]
    raise Skip(f"ziglang is not installed; {CACHE}/venv/bin/pip install ziglang")


def portable(args):
    """base/ (without the system calls of base/os), abi/ and fx/core/ compile for macOS and Windows."""
    command = zig()
    header = next((p for p in (Path("/usr/include/libfyaml.h"), Path("/usr/local/include/libfyaml.h"))
                   if p.exists()), None)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        if header:  # alone: this machine's other headers are not those of the target
            shutil.copy(header, scratch)
            if Path(header.parent, "sodium.h").exists():
                shutil.copy(header.parent / "sodium.h", scratch)
                shutil.copytree(header.parent / "sodium", Path(scratch, "sodium"))
            # libfyaml's header asks for one that Windows calls by another name.
            Path(scratch, "alloca.h").write_text("#ifdef _WIN32\n#include <malloc.h>\n#else\n"
                                                 "#include_next <alloca.h>\n#endif\n", encoding="utf-8")
        sources = [p for room in ("base", "abi", "fx/core") for p in sorted((ROOT / room).glob("*.c"))
                   if not p.name.endswith("_test.c")]
        for target in ("aarch64-macos", "x86_64-windows-gnu"):
            for source in sources:
                if not header and re.search(r"<(libfyaml|sodium)\.h>", source.read_text(encoding="utf-8")):
                    continue
                status, out = run(*command, "cc", "-target", target, "-std=gnu17", "-Wall", "-Wextra",
                                  "-Wno-unused-parameter", "-Werror", "-I.", "-Iinclude", "-isystem",
                                  scratch, "-c", source, "-o", f"{scratch}/x.o")
                if status:
                    problems += [f"{target}: {line}" for line in out.splitlines()
                                 if "error:" in line][:5] or [f"{target}: {name(source)} does not compile"]
    return problems


def sizes(args):
    """Files and functions that are longer than a reader likes (told, not a failure)."""
    for path in own_sources():
        if not name(path).startswith(("tests/", "examples/")):
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) > FILE_LINES and not path.name.endswith("_test.c"):
                print(f"        note: {name(path)} has {len(lines)} lines")
            for first, last, title in functions(lines):
                if last - first > FUNCTION_LINES:
                    print(f"        note: {name(path)}:{first}: {title}() has {last - first} lines")
    return []


def functions(lines):
    """(first line, last line, name) of each function: a brace alone in the first column."""
    start = title = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            head = " ".join(lines[max(0, number - 4):number - 1])
            names = re.findall(r"(\w+)\s*\(", head)
            start, title = number, names[-1] if names else "?"
        elif line == "}" and start:
            yield start, number, title
            start = None


def leftovers(args):
    """No marks of a merge, and nothing that says it is not done, in a tracked file."""
    words = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$|\bFIXME\b|\bTODO\b", re.M)
    problems = []
    for path in others():
        text = path.read_bytes().decode("latin-1")
        if ROOT / "wit/deps" not in path.parents:
            problems += [f"{name(path)}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}"
                         for m in words.finditer(text)]
    return problems


def mutants(args):
    """The guards of `make attacks-mutants` stand in the sources as tests/attacks/mutants.txt has them."""
    return tool(sys.executable, "tests/mutants.py", "--check")


CHECKS = [layers, wit, wit_vendored, wasi_rows, guest_bindings, js_types, bindings,
          bindings_compile, bindings_tidy, schema, man_pages, formatting,
          host_names, licences, leftovers, mutants, portable, sizes]


def check(function, args):
    """One of "clean", "failed", "skipped"; prints what there is to say."""
    title = function.__name__.replace("_", "-")
    try:
        problems = function(args)
    except Skip as why:
        print(f"skipped {title}: {why}", flush=True)
        return "skipped"
    print(f"{'FAILED ' if problems else 'clean  '} {title}", flush=True)
    for problem in problems:
        print(f"        {problem}")
    return "failed" if problems else "clean"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--list", action="store_true", help="what the checks are")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    args = parser.parse_args()
    args.build = args.build.resolve()
    named = {f.__name__.replace("_", "-"): f for f in CHECKS}
    for unknown in set(args.checks) - named.keys():
        parser.error(f"there is no check '{unknown}'; there are {', '.join(named)}")
    if args.list:
        for title, function in named.items():
            print(f"{title:16}{function.__doc__.splitlines()[0]}")
        return 0
    found = [check(f, args) for title, f in named.items() if not args.checks or title in args.checks]
    print(f"check: {found.count('clean')} clean, {found.count('failed')} failed, "
          f"{found.count('skipped')} skipped")
    return 1 if "failed" in found else 0


if __name__ == "__main__":
    sys.exit(main())
