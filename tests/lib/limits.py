"""Deadlines, Ctrl-C and cancellation end every guest in time, whatever it waits for.

A guest is known to be where it should be by what it printed, by what reached the
test's own server, or by what the system says of it: nothing here sleeps and hopes.
What is measured is the time from the spawn (for --timeout) or from the signal to
the process's end. It must not be more than ALLOWED late; as machines hiccup, one of
three tries must be in time, while a wrong status fails at once.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
from dataclasses import dataclass

from . import common
from .common import Result
from .golden import filled

ALLOWED = 0.1         # seconds
ALLOWED_ASAN = 1.0    # sanitizers are slow
TRIES = 3
DEADLINE = 0.3        # --timeout of these tests
PATIENCE = 20         # until a guest says that it is where it should be
TIMEOUT, CANCELLED = 73, 75


@dataclass
class Guest:
    """One way to wait. `ready`: what it prints first, or a function of the Running."""
    name: str
    grants: list
    words: list
    ready: object


class Running:
    """A process with a silent stdin, whose stdout is read only as far as a test says."""

    def __init__(self, command, cwd, env, ignore=()):
        self.silent, writer = os.pipe()
        self.errors = tempfile.TemporaryFile()
        self.out = b""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=self.silent, stdout=subprocess.PIPE,
            stderr=self.errors, start_new_session=True, pass_fds=(),
            preexec_fn=(lambda: [signal.signal(s, signal.SIG_IGN) for s in ignore]) if ignore else None)
        self.writer = writer

    def wait_for(self, text):
        until = time.monotonic() + PATIENCE
        stream = self.process.stdout.fileno()
        while text.encode() not in self.out:
            left = until - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise TimeoutError(f"did not print '{text}' but: {self.out!r}, {self.said()!r}")
            piece = os.read(stream, 65536)
            if not piece:
                raise TimeoutError(f"ended before it printed '{text}': {self.out!r}, {self.said()!r}")
            self.out += piece

    def wait_until(self, true, what):
        """For what cannot be waited for: asks again every millisecond."""
        until = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > until or self.process.poll() is not None:
                raise TimeoutError(f"{what} did not come: {self.out!r}, {self.said()!r}")
            time.sleep(0.001)

    def kill(self, signum):
        """Sends a signal; returns when that was."""
        now = time.monotonic()
        self.process.send_signal(signum)
        return now

    def ended(self):
        """Waits for the end; when it was, and the status. A watchdog bounds it."""
        watchdog = threading.Timer(PATIENCE, lambda: common.end(self.process))
        watchdog.start()
        status = self.process.wait()
        now = time.monotonic()
        watchdog.cancel()
        return now, status

    def rest(self):
        self.out += self.process.stdout.read()
        return self.out.decode(errors="replace")

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def close(self):
        if self.process.poll() is None:
            common.end(self.process)
        os.close(self.silent)
        os.close(self.writer)
        self.process.stdout.close()
        self.errors.close()


# --- knowing that a guest is where it should be ---------------------------------------

class SilentServer:
    """Takes HTTP requests and never answers."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = self.seen = 0  # `seen`: before the guest that runs now
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.kept.append(connection)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(4096)
                if not piece:
                    break
                data += piece
            self.requests += b"\r\n\r\n" in data


def asked(server):
    def ready(running):
        before = server.seen
        running.wait_until(lambda: server.requests > before, "a request")
    return ready


def pipe_is_full(running):
    def full():
        raw = fcntl.ioctl(running.process.stdout, termios.FIONREAD, b"\0" * 4)
        return struct.unpack("i", raw)[0] >= 60000
    running.wait_until(full, "a full pipe")


def burns_time(running):
    """It has used a tenth of a second of processor time: it spins."""
    def spins():
        with open(f"/proc/{running.process.pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) >= 0.1 * os.sysconf("SC_CLK_TCK")
    running.wait_until(spins, "processor time")


def guests(server):
    g = "{guests}/"
    return [
        Guest("spins", [], [g + "spin.wasm"], "spinning"),
        Guest("spins-in-start", [], [g + "start-spin.wasm"], burns_time),
        Guest("sleeps-in-poll", [], [g + "sleep-poll.wasm"], "sleeping"),
        Guest("reads-silent-stdin", [], [g + "read-stdin.wasm"], "reading"),
        Guest("reads-fifo", [("dir", "{tmp}::/data")], [g + "read-fifo.wasm", "/data/fifo"], "opening"),
        Guest("connects", [("net", "127.0.0.1:{full}")], [g + "connect.wasm", "127.0.0.1", "{full}"],
              "connecting"),
        Guest("waits-for-http", [("http", "127.0.0.1:{silent}")],
              [g + "http-wait.wasm", "http://127.0.0.1:{silent}/never"], asked(server)),
        Guest("writes-to-full-pipe", [("http", "127.0.0.1:{port}")],
              [g + "http-wait.wasm", "http://127.0.0.1:{port}/large?bytes=1000000"], pipe_is_full),
        Guest("spins-in-app", [], [g + "app.wasm", "spin"], burns_time),
    ]


# --- one try ----------------------------------------------------------------------------

class Late(Exception):
    """In the right way, and too late or too early."""


def check_time(what, took, least, most):
    if not least - 0.005 <= took <= most:
        raise Late(f"{what} after {took * 1000:.0f} ms; expected {least * 1000:.0f} to "
                   f"{most * 1000:.0f} ms")


def expect(running, status, wanted, words=()):
    out, err = running.rest(), running.said()
    if status != wanted:
        raise AssertionError(f"ended with {common.shown(status)}, not {wanted}\n{out[:2000]}{err[:2000]}")
    for word in words:
        if word not in out + err:
            raise AssertionError(f"did not say '{word}':\n{out[:2000]}{err[:2000]}")


class Tests:
    def __init__(self, world):
        self.world = world
        self.allowed = ALLOWED_ASAN if world.asan else ALLOWED
        self.server = SilentServer()
        port, full = world.servers.start()
        self.places = {"guests": str(world.components / "guests"), "port": port, "full": full,
                       "examples": str(world.components / "examples"),
                       "silent": str(self.server.port)}

    def start(self, tmp, before, guest, words=(), ignore=()):
        self.server.seen = self.server.requests
        places = self.places | {"tmp": str(tmp)}
        command = [filled(w, places) for w in [*before, *guest.words, *words]]
        return Running(command, tmp, self.world.environment(tmp), ignore)

    def loop(self, guest, *options):
        flags = {"dir": "--dir", "http": "--allow-http", "net": "--allow-net"}
        grants = [word for kind, text in guest.grants for word in (flags[kind], text)]
        return [str(self.world.build / "loop"), "run", *grants, *options]

    def ready(self, guest, running):
        guest.ready(running) if callable(guest.ready) else running.wait_for(guest.ready)

    def at_deadline(self, guest):
        def attempt(tmp):
            running = self.start(tmp, self.loop(guest, "--timeout", f"{DEADLINE * 1000:.0f}ms"), guest)
            try:
                end, status = running.ended()
                expect(running, status, TIMEOUT, ["did not end within", "hint:"])
                check_time("ended", end - running.started, DEADLINE, DEADLINE + self.allowed)
            finally:
                running.close()
        return attempt

    def at_signal(self, guest, signum):
        def attempt(tmp):
            running = self.start(tmp, self.loop(guest, "--grace", "0ms"), guest)
            try:
                self.ready(guest, running)
                sent = running.kill(signum)
                end, status = running.ended()
                expect(running, status, CANCELLED, ["interrupted"])
                check_time("ended", end - sent, 0, self.allowed)
            finally:
                running.close()
        return attempt

    def at_stop(self, guest, how):
        """As an embedder stops it, from another thread."""
        def attempt(tmp):
            grants = [word for kind, text in guest.grants for word in ("--" + kind, text)]
            program = str(self.world.build / "tests/stop")
            running = self.start(tmp, [program, how, "0", *grants], guest)
            try:
                self.ready(guest, running)
                sent = running.kill(signal.SIGUSR1)
                end, status = running.ended()
                expect(running, status, CANCELLED, ["stopped"])
                check_time("ended", end - sent, 0, self.allowed)
            finally:
                running.close()
        return attempt

    # --- guests that can ask for their token ------------------------------------------

    def goodbye(self, mode, how, words, least=0.0, most=0.0, options=()):
        """A guest that ends by itself when asked: its own status, 7."""
        guest = Guest("", [], ["{guests}/cancel-aware.wasm", mode], "waiting")

        def attempt(tmp):
            running = self.start(tmp, self.loop(guest, *options), guest)
            try:
                sent = running.started
                if how:
                    self.ready(guest, running)
                    sent = running.kill(how)
                end, status = running.ended()
                expect(running, status, 7, [*words, "bye"])
                check_time("ended", end - sent, least, most + self.allowed)
            finally:
                running.close()
        return attempt

    def stubborn(self, grace, signals, wanted, least, most, options=()):
        """A guest that hears that it should end and goes on. Measured from the last signal."""
        guest = Guest("", [], ["{guests}/cancel-aware.wasm", "stubborn"], "waiting")

        def attempt(tmp):
            running = self.start(tmp, self.loop(guest, "--grace", grace, *options), guest)
            try:
                sent = running.started
                for number, signum in enumerate(signals):
                    running.wait_for("cancelled" if number else "waiting")
                    sent = running.kill(signum)
                end, status = running.ended()
                expect(running, status, wanted)
                check_time("ended", end - sent, least, most + self.allowed)
            finally:
                running.close()
        return attempt

    def app_hears_of_it(self, signum):
        guest = Guest("", [], ["{guests}/app.wasm", "wait"], "start")

        def attempt(tmp):
            running = self.start(tmp, self.loop(guest), guest)
            try:
                self.ready(guest, running)
                sent = running.kill(signum)
                end, status = running.ended()
                expect(running, status, 4, ["cancelled", "stop: 1 events"])
                check_time("ended", end - sent, 0, self.allowed)
            finally:
                running.close()
        return attempt

    def while_compiling(self, signum):
        guest = Guest("", [], ["{examples}/js-hello.wasm"], burns_time)

        def attempt(tmp):
            running = self.start(tmp, self.loop(guest, "--no-cache"), guest)
            try:
                self.ready(guest, running)
                sent = running.kill(signum)
                end, status = running.ended()
                expect(running, status, CANCELLED, ["interrupted before the component started"])
                check_time("ended", end - sent, 0, self.allowed)
            finally:
                running.close()
        return attempt

    def ignored_stays_ignored(self):
        """SIGINT ignored from the start (a background job): only SIGTERM ends it."""
        guest = Guest("", [], ["{guests}/sleep-poll.wasm"], "sleeping")

        def attempt(tmp):
            running = self.start(tmp, self.loop(guest), guest, ignore=[signal.SIGINT])
            try:
                self.ready(guest, running)
                with open(f"/proc/{running.process.pid}/status", encoding="ascii") as f:
                    ignored = int(next(line for line in f if line.startswith("SigIgn")).split()[1], 16)
                if not ignored >> (signal.SIGINT - 1) & 1:
                    raise AssertionError("SIGINT is not ignored any more")
                sent = running.kill(signal.SIGTERM)
                end, status = running.ended()
                expect(running, status, CANCELLED)
                check_time("ended", end - sent, 0, self.allowed)
            finally:
                running.close()
        return attempt

    def all(self):
        for guest in guests(self.server):
            yield f"{guest.name}/timeout", self.at_deadline(guest)
            yield f"{guest.name}/ctrl-c", self.at_signal(guest, signal.SIGINT)
            yield f"{guest.name}/sigterm", self.at_signal(guest, signal.SIGTERM)
            yield f"{guest.name}/cancel", self.at_stop(guest, "cancel")
        spin = guests(self.server)[0]
        yield "spins/kill", self.at_stop(spin, "kill")
        yield "spins/sighup", self.at_signal(spin, signal.SIGHUP)
        for mode in ("busy", "poll"):
            yield f"goodbye-{mode}/ctrl-c", self.goodbye(mode, signal.SIGINT, ["interrupted, time left"])
            yield f"goodbye-{mode}/sigterm", self.goodbye(mode, signal.SIGTERM, ["time left"])
            yield f"goodbye-{mode}/timeout", self.goodbye(
                mode, None, ["deadline, time left"], 0.1, DEADLINE,
                ["--timeout", f"{DEADLINE * 1000:.0f}ms"])
        yield "stubborn/grace", self.stubborn("200ms", [signal.SIGINT], CANCELLED, 0.2, 0.2)
        yield "stubborn/no-grace", self.stubborn("0ms", [signal.SIGINT], CANCELLED, 0, 0)
        yield "stubborn/second-ctrl-c", self.stubborn(
            "1h", [signal.SIGINT, signal.SIGINT], CANCELLED, 0, 0)
        yield "stubborn/timeout", self.stubborn(
            "1h", [], TIMEOUT, DEADLINE, DEADLINE, ["--timeout", f"{DEADLINE * 1000:.0f}ms"])
        yield "app/ctrl-c", self.app_hears_of_it(signal.SIGINT)
        yield "app/sigterm", self.app_hears_of_it(signal.SIGTERM)
        if (self.world.components / "examples/js-hello.wasm").exists():
            yield "compiling/ctrl-c", self.while_compiling(signal.SIGINT)
        yield "background-job", self.ignored_stays_ignored()


def jobs(world):
    tests = Tests(world)
    for name, attempt in tests.all():
        if world.pattern in "limits/" + name:
            yield lambda name=name, attempt=attempt: in_time(world, "limits/" + name, attempt)


def in_time(world, name, attempt):
    said = ""
    for _ in range(TRIES):
        tmp = common.fresh_folder(world, "limits-")
        os.mkfifo(tmp / "fifo")
        try:
            attempt(tmp)
            return Result(name)
        except Late as late:
            said += f"{late}\n"
        except (AssertionError, TimeoutError) as error:
            return Result(name, False, f"{error}\n")
        finally:
            common.remove(tmp)
    return Result(name, False, said)
