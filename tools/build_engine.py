#!/usr/bin/env python3
"""Builds engine/ (Wasmtime and loop's extension) and puts it where Meson looks.

usage: build_engine.py OUTDIR

OUTDIR gets lib/libloop_engine.a and include/ (Wasmtime's headers, with a conf.h
that names the features that were built). The first build takes six to seven
minutes on two cores, one of the crate's own sources two to three. Cargo's folder
and the last libraries lie in the user's cache, keyed by the lock file, the
compiler and the sources, so that a second clone links in seconds.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "engine"
# What conf.h must say; the same list as in engine/Cargo.toml.
FEATURES = {"cranelift", "wasi", "wasi-http", "component-model", "async", "parallel-compilation",
            "addr2line", "demangle", "disable-logging"}


def cache_dir() -> Path:
    if os.environ.get("LOOP_CACHE_DIR"):
        return Path(os.environ["LOOP_CACHE_DIR"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "loop"


def digest(paths, extra=b"") -> str:
    h = hashlib.sha256(extra)
    for p in sorted(paths):
        h.update(str(p.relative_to(ROOT)).encode() + b"\0" + p.read_bytes() + b"\0")
    return h.hexdigest()[:16]


def rustc_version() -> bytes:
    hint = "hint: install Rust 1.95 or later with rustup (https://rustup.rs), then run this again"
    try:
        found = subprocess.run(["rustc", "-V"], stdout=subprocess.PIPE, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit(f"error: there is no Rust compiler\n{hint}")
    version = re.search(rb"(\d+)\.(\d+)", found)
    if not version or (int(version[1]), int(version[2])) < (1, 95):
        sys.exit(f"error: {found.decode().strip()} is too old for the engine\n{hint}")
    return found


def crate_count() -> int:
    return (ENGINE / "Cargo.lock").read_text().count("[[package]]")


def run_cargo(target: Path) -> None:
    """Runs cargo and shows how far it is: one line, rewritten on a terminal."""
    command = ["cargo", "build", "--release", "--locked", "--target-dir", str(target)]
    total, done, start, shown, tail = crate_count(), 0, time.monotonic(), 0.0, []
    tty = sys.stderr.isatty()
    p = subprocess.Popen(command, cwd=ENGINE, stderr=subprocess.PIPE, text=True)
    for line in p.stderr:
        tail = (tail + [line])[-60:]
        done += line.lstrip().startswith("Compiling")
        now = time.monotonic()
        if now - shown > (1 if tty else 20):
            shown = now
            name = line.split()[1] if done and len(line.split()) > 1 else ""
            text = f"engine: {done} of about {total} crates, {int(now - start)} s  {name}"
            print(("\r\033[K" + text) if tty else text, end="" if tty else "\n", file=sys.stderr, flush=True)
    if tty:
        print("\r\033[K", end="", file=sys.stderr)
    if p.wait() != 0:
        sys.exit("".join(tail) + "error: the engine did not build\n"
                 "hint: the lines above are cargo's; a first build needs the crate registry and 3 GB of disk")
    print(f"engine: built in {int(time.monotonic() - start)} s", file=sys.stderr)


def place(source: Path, target: Path) -> None:
    """A link where that is possible; in one step, for whoever reads it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        os.link(source, beside)
    except OSError:
        shutil.copy2(source, beside)
    os.replace(beside, target)


def keep(library: Path, built: Path) -> None:
    """Keeps the last few libraries by their sources: another clone of them builds nothing."""
    built.parent.mkdir(parents=True, exist_ok=True)
    beside = built.with_name(f".{built.name}.{os.getpid()}")
    shutil.copy2(library, beside)  # a copy: cargo writes over its own file
    os.replace(beside, built)
    for old in sorted(built.parent.glob("*.a"), key=lambda p: p.stat().st_mtime)[:-3]:
        old.unlink(missing_ok=True)


def headers(out: Path) -> None:
    meta = json.loads(subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ENGINE,
                                     stdout=subprocess.PIPE, check=True).stdout)
    crate = next(p for p in meta["packages"] if p["name"] == "wasmtime-c-api-impl")
    source = Path(crate["manifest_path"]).parent / "include"
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(source, out, ignore=shutil.ignore_patterns("*.hh", "*.in"))

    def define(m: re.Match) -> str:
        on = m.group(1).lower().replace("_", "-") in FEATURES
        return f"#define WASMTIME_FEATURE_{m.group(1)}" if on else f"/* no WASMTIME_FEATURE_{m.group(1)} */"

    conf = (source / "wasmtime/conf.h.in").read_text()
    (out / "wasmtime/conf.h").write_text(re.sub(r"#cmakedefine WASMTIME_FEATURE_(\w+)", define, conf))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    compiler = rustc_version()
    manifest = [ENGINE / "Cargo.toml", ENGINE / "Cargo.lock"]
    sources = manifest + list((ENGINE / "src").glob("*.rs")) + [Path(__file__).resolve()]
    stamp, want = out / "stamp", digest(sources, compiler)
    if stamp.exists() and stamp.read_text() == want and (out / "lib/libloop_engine.a").exists():
        return
    target = cache_dir() / "engine" / digest([ENGINE / "Cargo.lock"], compiler)
    built = target / "built" / f"{want}.a"
    if not built.exists():
        if not (target / "release").exists():
            print("engine: first build; six to seven minutes on two cores, kept in", target, file=sys.stderr)
        target.mkdir(parents=True, exist_ok=True)
        run_cargo(target)
        keep(target / "release/libloop_engine.a", built)
    place(built, out / "lib/libloop_engine.a")
    headers(out / "include")
    stamp.write_text(want)


main()
