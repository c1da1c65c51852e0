#!/usr/bin/env python3
"""Timings as ratios against a peer in the same run.

usage: bench.py --build DIR [--only GROUP]

Writes DIR/bench.tsv: name, peer, ratio (ours over the peer's; smaller is
better), low and high of the ratio over interleaved batches, unit, our figure,
the peer's. Groups: start (against `wasmtime run`, same component, both cached),
call (what it costs that a call can be stopped, against Wasmtime's C API), calls
(typed calls in both directions, against Wasmtime's Rust with bindgen!, its C API
and Extism; a peer that is not installed is left out), forms (what a slot, a
chain of two, a provider in a shared library cost against the same call without),
swap (the longest call that a guest at full speed sees around a swap of its
provider, p50 and p99, against one call; what a swap a second takes of its throughput),
pack (an installed package against `wasmtime run` of the plain file, both cached; choosing
among 1,000 packages, `loop update` with all of them in the cache, against Cargo and a lock
file for the same graph), trust (a granted call against one that nobody asks about, a deadline that is not
reached against none), fx (one leaf changed in trees of fibers up to a million, against one in a tree
of 1,000; mounting, changing and moving 10,000, against react-reconciler).
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CACHE = Path(os.environ.get("LOOP_CACHE_DIR") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loop")
BATCHES, RUNS = 15, 10
BATCH_NS = 25e6  # about how long a batch of calls takes


def run_once(command):
    """Wall seconds and peak KiB of one run of a command."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command)} failed with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss


def row(name, peer, ours, theirs, unit, digits=2):
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    shown = [f"{r:.3f}" if r >= 0.1 else f"{r:.2g}" for r in (statistics.median(ratios), ratios[0], ratios[-1])]
    return [name, peer, *shown, unit,
            f"{statistics.median(ours):.{digits}f}", f"{statistics.median(theirs):.{digits}f}"]


def wasmtime() -> Path:
    for p in sorted((CACHE / "venv/lib").glob("python3*/site-packages/wasmtime_cli/wasmtime")):
        if os.access(p, os.X_OK):
            return p
    sys.exit("error: the peer is not installed\nhint: sh tools/setup/wasm-tools.sh --peer")


def installed(build: Path, folder) -> Path:
    """loop as people have it: in a build it looks for its libraries in more places, which takes a tenth more."""
    tool = Path(__file__).resolve().parent / "install.py"
    subprocess.run([sys.executable, str(tool), str(build), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return Path(folder) / "bin/loop"


def bench_start(build: Path):
    """A component as it is released; then the same one with its debug information."""
    debug = build / "guests/plain-c.wasm"
    with tempfile.TemporaryDirectory() as folder:
        released = Path(folder) / "plain-c.wasm"
        tools = os.environ.get("WASM_TOOLS") or CACHE / "venv/bin/wasm-tools"
        subprocess.run([tools, "strip", debug, "-o", released], check=True)
        loop = installed(build, Path(folder) / "prefix")
        yield from start_rows("start", released, loop)
        yield from start_rows("start-debug", debug, loop)


def start_rows(group: str, component: Path, loop: Path):
    peer = wasmtime()
    yield from run_rows(group, [str(loop), "run", "--quiet", str(component)],
                        [str(peer), "run", str(component)], peer)


def run_rows(group: str, ours, theirs, peer: Path):
    for command in (ours, theirs):  # fills both caches
        run_once(command)
        run_once(command)
    time_a, time_b, mem_a, mem_b = [], [], [], []
    for _ in range(BATCHES):
        a = [run_once(ours) for _ in range(RUNS)]
        b = [run_once(theirs) for _ in range(RUNS)]
        time_a.append(min(t for t, _ in a) * 1e3)
        time_b.append(min(t for t, _ in b) * 1e3)
        mem_a.append(max(m for _, m in a) / 1024)
        mem_b.append(max(m for _, m in b) / 1024)
    version = subprocess.run([peer, "--version"], stdout=subprocess.PIPE, text=True).stdout.split()[1]
    yield row(f"{group}.time", f"wasmtime {version} run", time_a, time_b, "ms")
    yield row(f"{group}.memory", f"wasmtime {version} run", mem_a, mem_b, "MiB")


def bench_call(build: Path):
    out = subprocess.run([build / "tests/bench_calls", build / "guests/calc.wasm", "20000"], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    values = [[float(x) for x in line.split("\t")[1:]] for line in out.splitlines()]
    yield row("call.drive", "wasmtime C API, cannot be stopped", [v[0] for v in values],
              [v[1] for v in values], "ns", 0)


CALL_ROWS = ["scalar", "string64", "bytes64k", "bytes1m", "records1k", "guest-scalar", "guest-string64"]


class CallProgram:
    """A program that serves the rows as tests/bench/peer.h says."""

    def __init__(self, program: Path, *arguments: Path):
        self.program = program
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def measure(self, name: str, count: int):
        """Nanoseconds a call; None where the program does not have the row."""
        try:
            print(name, count, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if not answer:
            sys.exit(f"error: {self.program} ended while it measured {name}, with {self.process.wait()}")
        return None if answer == "-" else float(answer)

    def batch_size(self, name: str):
        """How many calls fill a batch. None: there is no such row."""
        count = 1
        while ns := self.measure(name, count):
            if ns * count >= BATCH_NS * 0.8:
                return count
            count = min(count * 10, int(BATCH_NS / ns) + 1)
        return None


def call_programs(build: Path):
    """Ours, then the peers that are there: (suffix of the row's name, peer, program, component)."""
    bench, extism = (build / f"guests/{name}.wasm" for name in ("bench", "bench-extism"))
    installed = CACHE / "bench-peers"
    rows = [("", "loop", build / "tests/bench_provider", bench),
            ("rust", "Wasmtime's Rust, bindgen!", installed / "target/release/rust-peer", bench),
            ("capi", "Wasmtime's C API", build / "tests/bench_capi_peer", bench),
            ("extism", "Extism's C SDK", installed / "extism_peer", extism)]
    for found in rows:
        if found[2].exists():
            yield found
        elif found[2].is_relative_to(build):
            sys.exit(f"error: {found[2]} is not built\nhint: make")
        else:
            print(f"calls: {found[1]} is left out; to install it: sh tools/setup/bench-peers.sh", file=sys.stderr)


def bench_calls(build: Path):
    """New processes for every batch: where code and data happen to lie makes up to a fifth."""
    programs = list(call_programs(build))
    counts, times = {}, {}
    for turn in range(BATCHES):
        with contextlib.ExitStack() as stack:
            running = [(suffix, stack.enter_context(CallProgram(program, component)))
                       for suffix, _, program, component in programs]
            for name in CALL_ROWS:
                for suffix, program in running if turn % 2 else reversed(running):
                    key = name, suffix
                    if key not in counts:
                        counts[key] = program.batch_size(name)
                    if counts[key]:
                        program.measure(name, counts[key] // 4 + 1)  # warms up
                        times.setdefault(key, []).append(program.measure(name, counts[key]))
    for name in CALL_ROWS:
        for suffix, peer, _, _ in programs[1:]:
            if (name, suffix) in times:
                yield row(f"calls.{name}.{suffix}", peer, times[name, ""], times[name, suffix], "ns", 1)


def form_programs(build: Path):
    """What a row measures, its peer: (name, commands of both, which call, the peer in words)."""
    guest = build / "guests/bench.wasm"
    forms, linked = [build / "tests/bench_forms", guest], [build / "tests/bench_provider", guest]
    for call, suffix in (("scalar", ""), ("string64", ".string64")):
        for form in ("slot", "chain2"):
            yield f"{form}{suffix}", [*forms, form], [*forms, "direct"], call, "the engine calls the function"
    yield ("library", [*linked, build / "tests/bench_library.so"], linked, "scalar",
           "the same provider, linked in")


def bench_forms(build: Path):
    """Each form by turns with its peer, the same component calling the same C. The best of short
    batches: both sides do the same work but for a hop, which is less than a busy machine's noise."""
    for name, command, direct, call, peer in form_programs(build):
        ours, theirs, count = [], [], None
        for turn in range(BATCHES):
            with CallProgram(*command) as form, CallProgram(*direct) as other:
                count = count or other.batch_size(call) // 10 + 1
                times = {form: [], other: []}
                for part in range(RUNS):
                    for program in (form, other) if (turn + part) % 2 else (other, form):
                        times[program].append(program.measure(call, count))
                ours.append(min(times[form]))
                theirs.append(min(times[other]))
        yield row(f"forms.{name}", peer, ours, theirs, "ns", 1)
    yield from bench_components(build)
    yield from bench_sidecar(build)


COMPONENT_ROWS = {"scalar": 500, "bytes64k": 100, "records1k": 20}


def bench_components(build: Path):
    """A component in a slot against the same two composed into one file; the best of short batches, as above.
    Two threads take turns in the first: on a machine with as many busy programs as cores its times say little."""
    guest, other = build / "guests/bench.wasm", build / "guests/bench-host.wasm"
    tools = os.environ.get("WASM_TOOLS") or CACHE / "venv/bin/wasm-tools"
    with tempfile.TemporaryDirectory() as folder:
        composed = Path(folder) / "composed.wasm"
        subprocess.run([tools, "compose", guest, "-d", other, "-o", composed], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        program = build / "tests/bench_provider"
        with CallProgram(program, guest, other) as slot, CallProgram(program, composed) as static:
            for name, count in COMPONENT_ROWS.items():
                ours, theirs = [], []
                for _ in range(BATCHES):
                    ours.append(min(slot.measure(name, count) for _ in range(RUNS)) / 1e3)
                    theirs.append(min(static.measure(name, count) for _ in range(RUNS)) / 1e3)
                yield row(f"forms.component.{name}", "the two composed into one", ours, theirs, "us", 2)


def sidecar_peers(build: Path):
    """The suffix of the row's name, what it is, the command; the rows that it has, calls a batch."""
    go = CACHE / "bench-peers/goplugin"
    yield "", "two processes and two pipes, nothing else", [build / "tests/bench_pipe_peer"], {
        "sidecar64": 2560, "sidecar1m": 40}
    if go.exists():
        yield ".goplugin", "HashiCorp go-plugin, gRPC on a unix socket", [go], {"sidecar64": 512}
    else:
        print("forms: go-plugin is left out; to install it: sh tools/setup/bench-peers.sh", file=sys.stderr)


def bench_sidecar(build: Path):
    """A call of a sidecar in C and its peers by turns; the best of short spans, as above (the programs know them)."""
    ours = [build / "tests/bench_sidecar", build / "guests/forms.wasm", build / "tests/bench_echo_sidecar"]
    peers, times, counts = list(sidecar_peers(build)), {}, {"sidecar64": 2560, "sidecar1m": 40}
    for _ in range(BATCHES):
        with contextlib.ExitStack() as stack:
            running = [("ours", stack.enter_context(CallProgram(*ours)), counts)]
            running += [(suffix, stack.enter_context(CallProgram(*command)), rows)
                        for suffix, _, command, rows in peers]
            best = {}
            for part in range(RUNS):
                for suffix, program, rows in running if part % 2 else reversed(running):
                    for name, count in rows.items():
                        took = program.measure(name, count) / 1000
                        best[name, suffix] = min(took, best.get((name, suffix), took))
            for key, took in best.items():
                times.setdefault(key, []).append(took)
    for suffix, peer, _, rows in peers:
        for name in rows:
            yield row(f"forms.{name}{suffix}", peer, times[name, "ours"], times[name, suffix], "us")


# Batches of so many swaps: the longest call of each.
SWAP_ROWS = {"pause-empty": 100, "pause-1m": 50, "pause-sqlite": 20}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def bench_swap(build: Path):
    """The percentiles are of all swaps together; the ratios' range, of those of the batches."""
    program, guests = build / "tests/bench_swap", build / "guests"
    for name, swaps in SWAP_ROWS.items():
        batches = swap_lines(program, guests, name, BATCHES, swaps)
        one_call = statistics.median(batch[0] for batch in batches) / 1e3
        for suffix, part in (("", 0.5), (".p99", 0.99)):
            pause = percentile([ns for batch in batches for ns in batch[1:]], part) / 1e3
            ratios = sorted(percentile(batch[1:], part) / batch[0] for batch in batches)
            yield [f"swap.{name}{suffix}", "one call of the guest", *(f"{r:.1f}" for r in (
                pause / one_call, ratios[0], ratios[-1])), "us", f"{pause:.1f}", f"{one_call:.3f}"]
    batches = swap_lines(program, guests, "steady", BATCHES)
    yield row("swap.steady", "the same without swaps", [b[0] for b in batches], [b[1] for b in batches], "ns", 1)


def swap_lines(program, guests, name, *counts):
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run([program, guests, folder, name, *map(str, counts)], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    return [[float(x) for x in line.split("\t")] for line in out.splitlines()]


@contextlib.contextmanager
def in_folder(folder, **variables):
    """Commands run there, with these variables."""
    before, values = os.getcwd(), {k: os.environ.get(k) for k in variables}
    os.chdir(folder)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.chdir(before)
        for k, v in values.items():
            os.environ.pop(k, None) if v is None else os.environ.__setitem__(k, v)


def bench_pack(build: Path):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from lib.installing import Registry
    loop, yaml = str(build / "loop"), ("loop: 1\nregistries: { default: near, known: { near: { layout: ../registry } } }\n"
                                       "components: { it: { package: \"acme:p0\" } }\n")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "ws").mkdir()
        (top / "ws/loop.yaml").write_text(yaml)
        plain = top / "plain-c.wasm"
        tools = os.environ.get("WASM_TOOLS") or CACHE / "venv/bin/wasm-tools"
        subprocess.run([tools, "strip", build / "guests/plain-c.wasm", "-o", plain], check=True)
        registry = Registry(top / "registry")
        registry.publish("acme:p0", "1.0.0", plain.read_bytes())
        registry.write()
        with in_folder(top / "ws", LOOP_CACHE_DIR=str(top / "cache")):
            subprocess.run([loop, "install", "--quiet"], check=True, stdout=subprocess.DEVNULL)
            rows = run_rows("pack", [loop, "run", "--quiet", "it"],
                            [str(wasmtime()), "run", str(plain)], wasmtime())
            yield ["pack.run", *next(rows)[1:]]  # its time
    yield from bench_resolve(loop, yaml, Registry)


MANY, VERSIONS = 1000, 5


def graph():
    """Packages by number and version with what they need: deep and wide; of every tenth the newest
    two need what there is not, so that choices are taken back."""
    for i in range(MANY):
        for v in range(VERSIONS):
            to = [n for n in (i + 1 + k * 7 for k in range(4)) if n < MANY]
            yield i, v, to, ">=1.9" if i % 10 == 3 and v >= 3 else f">=1.{v // 2}"


def write_cargo(top: Path):
    """The same graph for Cargo: a registry in a folder, of which only the index is read."""
    for i, v, to, wanted in graph():
        name = f"p{i}"
        short = {2: "2", 3: "3/p"}.get(len(name)) or f"{name[:2]}/{name[2:4]}"
        folder = top / "index/index" / short
        folder.mkdir(parents=True, exist_ok=True)
        needs = [{"name": f"p{n}", "req": wanted, "features": [], "optional": False,
                  "default_features": True, "target": None, "kind": "normal"} for n in to]
        with open(folder / name, "a") as f:
            f.write(json.dumps({"name": name, "vers": f"1.{v}.0", "deps": needs, "cksum": "0" * 64,
                                "features": {}, "yanked": False}) + "\n")
    (top / "peer/src").mkdir(parents=True)
    (top / "peer/src/lib.rs").touch()
    (top / "peer/Cargo.toml").write_text('[package]\nname = "peer"\nversion = "0.1.0"\nedition = "2021"\n'
                                         '[dependencies]\np0 = "*"\n')
    (top / "peer/.cargo").mkdir()
    (top / "peer/.cargo/config.toml").write_text(
        f'[source.crates-io]\nreplace-with = "near"\n[source.near]\nlocal-registry = "{top}/index"\n')


def bench_resolve(loop, yaml, make_registry):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        registry = make_registry(top / "registry")
        for i, v, to, wanted in graph():
            registry.publish(f"acme:p{i}", f"1.{v}.0", requires={f"acme:p{n}": wanted for n in to})
        registry.write()
        (top / "ws").mkdir()
        (top / "ws/loop.yaml").write_text(yaml)
        write_cargo(top)
        cargo = shutil.which("cargo")
        if not cargo:
            sys.exit("error: the peer is not installed\nhint: cargo, of Rust")
        ours, theirs = [], []
        with in_folder(top / "ws", LOOP_CACHE_DIR=str(top / "cache")):
            subprocess.run([loop, "install", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        for _ in range(BATCHES):
            with in_folder(top / "ws", LOOP_CACHE_DIR=str(top / "cache")):
                ours.append(min(run_once([loop, "update", "--quiet"])[0] for _ in range(3)) * 1e3)
            with in_folder(top / "peer", CARGO_TERM_QUIET="true"):
                theirs.append(min(run_once([cargo, "generate-lockfile", "--offline"])[0]
                                  for _ in range(3)) * 1e3)
    yield row("pack.resolve", "cargo generate-lockfile", ours, theirs, "ms", 0)


def bench_deadline(build: Path):
    """A guest that computes, with a deadline far off and without one: the minimum of 50 interleaved batches of a
    million calls inside of it, in five processes."""
    with_one, without = [], []
    for _ in range(5):
        out = subprocess.run([build / "tests/bench_deadline", build / "guests/hostile-recursion.wasm", "50"],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
        batches = [[float(x) for x in line.split("\t")] for line in out.splitlines()]
        with_one.append(min(b[0] for b in batches))
        without.append(min(b[1] for b in batches))
    yield row("trust.deadline", "the same guest without a deadline", with_one, without, "ns", 3)


def bench_gate(build: Path):
    """A call that was granted, and the same program without what asks: the minimum of 50 interleaved batches of a
    million calls, in five pairs of processes."""
    asks, does_not = [], []
    guest = build / "guests/bench.wasm"
    for turn in range(5):
        with CallProgram(build / "tests/bench_forms", guest, "granted") as with_gate, \
                CallProgram(build / "tests/bench_forms_open", guest, "granted") as without:
            times = {with_gate: [], without: []}
            for part in range(51):  # the first warms up
                for program in (with_gate, without) if (turn + part) % 2 else (without, with_gate):
                    times[program].append(program.measure("scalar", 1_000_000))
            asks.append(min(times[with_gate][1:]))
            does_not.append(min(times[without][1:]))
    yield row("trust.gate", "the same call without the gate", asks, does_not, "ns", 2)


def bench_trust(build: Path):
    yield from bench_gate(build)
    yield from bench_deadline(build)


class FxProgram:
    """tests/bench/fx_bench.c and those that speak like it: a line in, nanoseconds of one operation out."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def measure(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"error: {self.process.args[0]} ended while it measured {words}")
        return float(answer)


# name, what both are asked, how many operations of ours and of theirs make one
FX_ROWS = [("mount10k", ("mount", 10_000), None, None), ("leaf", ("leaf", 10_000), 20_000, 100),
           ("reverse", ("reverse", 10_000), None, None), ("moves", ("moves", 10_000), 200, 200)]
FX_SIZES = [100, 1_000, 10_000, 100_000, 1_000_000]
FX_LEAVES = 100_000


def bench_fx_against(name, ours, theirs, peer):
    """Both in the same state: two operations warm up what is made for a row, and the rest is timed by turns."""
    for what, words, our_count, their_count in FX_ROWS:
        counts = [[] if n is None else [n] for n in (our_count, their_count)]
        times = [], []
        for turn in range(BATCHES + 5):
            for side, program in enumerate((ours, theirs)):
                taken = program.measure(*words, *counts[side])
                if turn >= 5:
                    times[side].append(taken / 1e3)
        yield row(f"fx.{name}{what}.react", peer, *times, "us")


def bench_fx(build: Path):
    """One leaf of N, against one of 1,000; then the same work as React's."""
    with FxProgram(build / "tests/bench_fx") as ours, FxProgram(build / "tests/bench_fx") as base:
        base.measure("leaf", 1_000, FX_LEAVES)
        for size in FX_SIZES:
            ours.measure("leaf", size, FX_LEAVES)
            pairs = [(ours.measure("leaf", size, FX_LEAVES), base.measure("leaf", 1_000, FX_LEAVES))
                     for _ in range(BATCHES)]
            yield row(f"fx.leaf.1e{len(str(size)) - 1}", "one leaf of 1,000", *zip(*pairs), "ns", 0)
    folder = CACHE / "react-guest"
    if not (folder / "node_modules/react-reconciler").exists():
        print("fx: react-reconciler is not installed: sh tools/setup/bench-peers.sh; its rows are left out",
              file=sys.stderr)
        return
    peer = Path(__file__).resolve().parent.parent / "tests/bench/react_peer.js"
    with FxProgram("node", peer, folder) as react, FxProgram(build / "tests/bench_fx") as ours:
        yield from bench_fx_against("", ours, react, "react-reconciler, null renderer")


GROUPS = {"start": bench_start, "call": bench_call, "calls": bench_calls, "forms": bench_forms,
          "swap": bench_swap, "pack": bench_pack, "trust": bench_trust, "fx": bench_fx}


# What the ratios of a group are meant to be at most; told, never an error: machines differ.
BOUNDS = {
    "calls.scalar.rust": 1.3, "calls.string64.rust": 0.9, "calls.bytes64k.rust": 1.15,
    "calls.bytes1m.rust": 1.15, "calls.records1k.rust": 0.15, "calls.guest-scalar.rust": 1.2,
    "calls.guest-string64.rust": 1.2, "calls.scalar.capi": 0.5, "calls.bytes64k.capi": 0.001,
    "forms.slot": 1.1, "forms.chain2": 1.1, "forms.library": 1.1,
    "swap.steady": 1.05, "pack.run": 1.1,
    "forms.sidecar64": 1.5, "forms.sidecar1m": 0.8, "forms.sidecar64.goplugin": 0.4,
}


def main() -> None:
    p = argparse.ArgumentParser(description="Timings as ratios against a peer.")
    p.add_argument("--build", type=Path, required=True)
    p.add_argument("--only", choices=GROUPS)
    args = p.parse_args()
    header = ["name", "peer", "ratio", "low", "high", "unit", "ours", "peer's"]
    rows = []
    for name, group in GROUPS.items():
        if args.only in (None, name):
            for r in group(args.build.resolve()):
                rows.append(r)
                over = f"; over {BOUNDS[r[0]]}" if float(r[2]) > BOUNDS.get(r[0], 1e9) else ""
                print(f"{r[0]:27} {r[2]:>6} ({r[3]}..{r[4]})  {r[6]} {r[5]}, {r[1]}: {r[7]} {r[5]}{over}",
                      flush=True)
    with tempfile.NamedTemporaryFile("w", dir=args.build, delete=False) as f:
        f.write("\n".join("\t".join(r) for r in [header] + rows) + "\n")
    os.replace(f.name, args.build / "bench.tsv")


main()
