"""Archives that are no packages: `loop pack --check` refuses each, by name, quickly and whole.

tests/packages/archives.py makes them. A job a family: the command ends with 65 or 76 (a limit) within
seconds and little memory, says what it must, and leaves nothing behind. Good archives of other tools
are taken.
"""

import resource
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from .common import SANITIZERS, Result

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/packages"))
import archives as made  # noqa: E402

MEMORY = 1 << 30  # bytes of address space: more than it takes, less than any bomb
SECONDS = 60  # a bomb that is unpacked takes minutes

CONFIG = """loop: 1
package: { name: "acme:notes", version: 0.1.0, docs: README.md, requires: { "acme:ui": "^1.2" } }
components: { notes: { path: notes.wasm } }
"""


def run(world, folder, *args):
    def limits():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    return subprocess.run([str(world.build / "loop"), "pack", *args], cwd=folder, capture_output=True,
                          text=True, errors="replace", timeout=SECONDS,
                          env={"LOOP_CACHE_DIR": str(folder / "cache"), "PATH": "/usr/bin:/bin"} | SANITIZERS,
                          preexec_fn=None if world.asan else limits)


def good_package(world, folder):
    (folder / "loop.yaml").write_text(CONFIG)
    (folder / "README.md").write_text("# Notes\n")
    (folder / "notes.wasm").write_bytes(b"\0asm\x0d\0\1\0")
    made_by = run(world, folder, "--output", "good.tar")
    if made_by.returncode:
        raise RuntimeError(made_by.stderr)
    with tarfile.open(folder / "good.tar") as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}


def check(world, folder, content):
    """The command's end, and what lies in the folder now that did not before."""
    path = folder / "x.tar"
    path.write_bytes(content)
    before = set(folder.rglob("*"))
    try:
        done = run(world, folder, "--check", "x.tar")
    except subprocess.TimeoutExpired:
        return None, f"it took more than {SECONDS} s"
    left = set(folder.rglob("*")) - before
    return done, f"it left {sorted(map(str, left))}" if left else ""


def wrong(done, trouble, pieces):
    if trouble:
        return trouble
    if done.returncode not in (65, 76):
        return f"status {done.returncode}, expected 65 or 76\n{done.stdout}{done.stderr}"
    missing = [p for p in pieces if p not in done.stderr]
    return f"it does not say {missing}:\n{done.stderr}" if missing else ""


def family_job(world, name, family):
    def job():
        found = []
        with tempfile.TemporaryDirectory(prefix="loop-archives-") as place:
            folder = Path(place)
            for what, content, pieces in family(good_package(world, folder)):
                detail = wrong(*check(world, folder, content), pieces)
                found.append(Result(f"archives/{name}/{what[:60]}", not detail, detail))
        return found
    return job


def accepted_job(world):
    def job():
        found = []
        with tempfile.TemporaryDirectory(prefix="loop-archives-") as place:
            folder = Path(place)
            for what, content in made.accepted(good_package(world, folder)):
                done, trouble = check(world, folder, content)
                detail = trouble or (done.stderr if done.returncode else "")
                found.append(Result(f"archives/good/{what}", not detail, detail))
        return found
    return job


def jobs(world):
    return [accepted_job(world)] + [family_job(world, n, f) for n, f in made.FAMILIES.items()]
