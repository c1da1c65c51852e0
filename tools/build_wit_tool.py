#!/usr/bin/env python3
"""Builds engine/wit-tool, the program loop-wit, and puts it where Meson and loop look.

usage: build_wit_tool.py OUT

OUT becomes the program (build/loop-wit). The first build takes one to three minutes on two
cores. Cargo's folder and the last programs lie in the user's cache, keyed by the lock file,
the compiler and the sources, so that a second clone copies a file. Two builds at a time
wait for each other.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "engine" / "wit-tool"


def cache_dir() -> Path:
    if os.environ.get("LOOP_CACHE_DIR"):
        return Path(os.environ["LOOP_CACHE_DIR"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "loop"


def digest(paths, extra: bytes) -> str:
    h = hashlib.sha256(extra)
    for p in sorted(paths):
        h.update(str(p.relative_to(ROOT)).encode() + b"\0" + p.read_bytes() + b"\0")
    return h.hexdigest()[:16]


def rustc_version() -> bytes:
    try:
        return subprocess.run(["rustc", "-V"], stdout=subprocess.PIPE, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit("error: there is no Rust compiler\nhint: install Rust 1.95 or later with rustup, "
                 "then run this again")


def run_cargo(target: Path) -> None:
    start = time.monotonic()
    print("loop-wit: compiling; one to three minutes the first time, kept in", target, file=sys.stderr)
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(target)]
    done = subprocess.run(command, cwd=CRATE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr[-8000:] + "error: loop-wit did not build\n"
                 "hint: the lines above are cargo's; a first build needs the crate registry")
    print(f"loop-wit: built in {int(time.monotonic() - start)} s", file=sys.stderr)


def copy(source: Path, to: Path) -> None:
    """In one step, for whoever runs it meanwhile."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.{os.getpid()}")
    shutil.copy2(source, beside)
    os.replace(beside, to)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, compiler = Path(sys.argv[1]), rustc_version()
    manifest = [CRATE / "Cargo.toml", CRATE / "Cargo.lock"]
    want = digest(manifest + list((CRATE / "src").glob("*.rs")), compiler)
    stamp = out.with_name(f".{out.name}.stamp")
    if out.exists() and stamp.exists() and stamp.read_text() == want:
        return
    cache = cache_dir() / "wit-tool"
    built = cache / "built" / want
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.exists():
                run_cargo(cache / "target")
                copy(cache / "target/release/loop-wit", built)
                for old in sorted(built.parent.glob("[0-9a-f]*"), key=lambda p: p.stat().st_mtime)[:-3]:
                    old.unlink(missing_ok=True)
    copy(built, out)
    stamp.write_text(want)


main()
