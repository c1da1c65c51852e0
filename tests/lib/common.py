"""What the test groups share: results, processes, the world that a case runs in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 600  # seconds that any one process of a test may take: it hangs, on whatever machine

# Wasm traps are signals of the engine's own. Where a sanitizer stops the process, no
# case may take its status for loop's.
SANITIZERS = {
    "ASAN_OPTIONS": "exitcode=99:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:"
                    "allow_user_segv_handler=1:detect_stack_use_after_return=0:detect_leaks=0",
    "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
    "TSAN_OPTIONS": f"exitcode=99:suppressions={ROOT}/tests/tsan.supp",
}


@dataclass
class Result:
    """One case. `detail` is shown for a failure, `skip` says why it did not run."""
    name: str
    ok: bool = True
    detail: str = ""
    skip: str = ""


@dataclass
class World:
    """Where things are: the build under test, the components, what was asked for."""
    build: Path
    components: Path
    update: bool = False
    pattern: str = ""
    asan: bool = False
    servers: "Servers" = None
    scratch: Path = None
    places: dict = field(default_factory=dict)

    def user_environment(self):
        """The caller's own: for documents, whose commands use what set-up installed. But not
        make's: a reader's make is not called by another one, and says less."""
        own = {k: v for k, v in tools_environment().items()
               if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")}
        return own | {"PATH": f"{self.build}:{os.environ.get('PATH', '')}",
                                      "LANG": "C.UTF-8"} | SANITIZERS

    def environment(self, home):
        """The same for every case; nothing of the user's own reaches loop."""
        kept = {k: v for k, v in os.environ.items() if k in ("TMPDIR", "WASM_TOOLS", "USER", "RAYON_NUM_THREADS")}
        return kept | {
            "PATH": f"{self.build}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "LOOP_CACHE_DIR": str(self.build / "test-cache"),
        } | SANITIZERS


def run(command, *, cwd=ROOT, env=None, stdin=b"", timeout=None, merged=False):
    """Runs to the end in a process group of its own, which is gone afterwards.

    `stdin`: bytes, or a file descriptor that is left alone."""
    timeout = timeout or LONGEST
    with tempfile.TemporaryFile() as source:
        if isinstance(stdin, bytes):
            source.write(stdin)
            source.seek(0)
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=source if isinstance(stdin, bytes) else stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process)
        out, err = process.communicate()
        out += f"\n(ended by the test after {timeout} s)\n".encode()
    return process.returncode, out, err or b""


def end(process):
    """Ends a process and everything in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


class Servers:
    """tests/http_server.py, started once for all cases that ask for it."""

    def __init__(self):
        self.process = None
        self.ports = None
        self.lock = threading.Lock()

    def start(self):
        with self.lock:
            return self.started()

    def started(self):
        if not self.process:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/http_server.py"), "--full"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True, text=True)
            self.ports = [self.process.stdout.readline().strip() for _ in range(2)]
        return self.ports

    def stop(self):
        if self.process:
            end(self.process)
            self.process = None


def tools_environment():
    """What the project's own tools run with: wasm-tools where set-up put it."""
    cache = os.environ.get("LOOP_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "loop")
    return {"WASM_TOOLS": os.path.join(cache, "venv/bin/wasm-tools")} | dict(os.environ)


def fresh_folder(world, prefix):
    return Path(tempfile.mkdtemp(prefix=prefix, dir=world.scratch)).resolve()


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


def indent(text, by="    "):
    return "".join(by + line if line.strip() else line for line in text.splitlines(True))


def shown(status):
    """An exit status as people read it."""
    return f"signal {-status}" if status < 0 else str(status)
