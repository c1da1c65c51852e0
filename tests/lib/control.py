"""Hosts that are seen and steered from outside: `loop run` as a real process, asked by the command
and by clients that are broken, hostile or dead; and `loop run --watch` on real files.

What must hold: nobody but the user gets in, whatever comes over the socket costs the host nothing,
and what is stored while providers change is what was acknowledged.
"""

import fcntl
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time

from . import common
from .common import ROOT, Result


class Wrong(Exception):
    """A promise that does not hold."""


def check(holds, what):
    if not holds:
        raise Wrong(what)


# --- a host ------------------------------------------------------------------------------

class Place:
    """A folder with a runtime folder of its own, so that each test sees its own hosts alone."""

    def __init__(self, world):
        self.world = world
        self.base = common.fresh_folder(world, "control-")
        self.runtime = self.base / "run"
        self.work = self.base / "work"
        self.runtime.mkdir(mode=0o700)
        self.work.mkdir()
        self.env = world.environment(self.base) | {"XDG_RUNTIME_DIR": str(self.runtime)}
        self.hosts = []

    def close(self):
        for host in self.hosts:
            host.close()
        common.remove(self.base)

    def loop(self, *words, status=0, timeout=120):
        """What it printed on both streams."""
        got, out, _ = common.run([str(self.world.build / "loop"), *words], cwd=self.work, env=self.env,
                                 merged=True, timeout=timeout)
        out = out.decode(errors="replace")
        check(status is None or got == status, f"loop {' '.join(words)}: status {got}\n{out}")
        return out

    def start(self, *words, **more):
        host = Host(self, words, **more)
        self.hosts.append(host)
        return host

    def storing(self, *options, **more):
        """A component that counts on in its store, and prints what was acknowledged."""
        return self.start("run", "--storage", "1MiB", *options, str(self.guest("store")), "in", "notes",
                          "hammer", **more)

    def guest(self, name):
        return self.world.components / "guests" / f"{name}.wasm"

    def sockets(self):
        folder = self.runtime / "loop"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


class Host:
    """`loop run`, once it can be asked."""

    def __init__(self, place, words, wait=True, stdout=None):
        self.place = place
        self.out = open(place.base / f"out{len(place.hosts)}", "w+b")
        self.err = open(place.base / f"err{len(place.hosts)}", "w+b")
        self.process = subprocess.Popen([str(place.world.build / "loop"), *words], cwd=place.work, env=place.env,
                                        stdin=subprocess.DEVNULL, stdout=stdout or self.out, stderr=self.err,
                                        start_new_session=True)
        self.pid = str(self.process.pid)
        self.path = place.runtime / "loop" / f"{self.pid}.sock"
        if wait:
            self.until(self.path.exists, "it cannot be asked")

    def until(self, holds, what, seconds=120):
        end = time.monotonic() + seconds
        while not holds():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Wrong(f"{what}\n{self.log()}")
            time.sleep(0.02)

    def log(self):
        with open(self.err.name, "rb") as f:
            return f.read().decode(errors="replace")

    def output(self):
        with open(self.out.name, "rb") as f:
            return f.read().decode(errors="replace")

    def logs(self, piece, seconds=120):
        self.until(lambda: piece in self.log(), f"the log does not say: {piece}", seconds)

    def numbers(self):
        with open(self.out.name, "rb") as f:
            return [int(line) for line in f.read().split(b"\n")[:-1]]

    def counts_on(self, seconds=120):
        """It goes on, and has counted without a gap since it began."""
        before = len(self.numbers())
        self.until(lambda: len(self.numbers()) > before + 20, "the component stands still", seconds)
        numbers = self.numbers()
        check(numbers == list(range(numbers[0], numbers[0] + len(numbers))), "it counted with gaps")
        return numbers[-1]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(60)
        self.until(lambda: s.connect_ex(str(self.path)) == 0, "it takes no connection")
        return s

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(120)

    def close(self):
        if self.process.poll() is None:
            common.end(self.process)
        self.out.close()
        self.err.close()


def lines(s, n=1):
    """The next answers of a connection."""
    data = b""
    while data.count(b"\n") < n:
        more = s.recv(65536)
        check(more, f"the host ended the connection after {data!r}")
        data += more
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


STATUS = b'{"loop":1,"do":"status"}\n'


def ask(host, request=STATUS):
    with host.connect() as s:
        s.sendall(request)
        return lines(s)[0]


# --- who gets in -------------------------------------------------------------------------

def a_socket_is_its_users_alone(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    folder = place.runtime / "loop"
    check(folder.stat().st_mode & 0o777 == 0o700, f"the folder is {folder.stat().st_mode:o}")
    check(host.path.stat().st_mode & 0o777 == 0o600, f"the socket is {host.path.stat().st_mode:o}")
    check("store.wasm" in place.loop("ps"), "`loop ps` does not show it")
    if os.geteuid() != 0:
        return
    # Another user, with every folder on the way opened to them: the socket's own modes are left.
    code = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
            "try:\n s.connect(sys.argv[1])\n s.sendall(b'{\"loop\":1,\"do\":\"status\"}\\n')\n"
            " print('answered' if s.recv(100) else 'dropped')\nexcept PermissionError:\n print('refused')\n"
            "except (ConnectionError, BrokenPipeError):\n print('dropped')\n")

    def as_another():
        done = subprocess.run(["python3", "-c", code, str(host.path)], user=65534, group=65534, cwd="/",
                              extra_groups=[], capture_output=True, timeout=20, check=False)
        return done.stdout.decode().strip() or done.stderr.decode()
    check(as_another() == "refused", "another user connects")
    opened = [p for p in [folder, *folder.parents] if p.stat().st_uid == 0 and p != p.parent]
    modes = [(p, p.stat().st_mode & 0o7777) for p in opened]
    for p, mode in modes:
        p.chmod(mode | 0o011)
    check(as_another() == "refused", "another user connects to an open folder's socket")
    host.path.chmod(0o666)
    got = as_another()
    check(got == "dropped", f"another user gets through an open socket: {got}")
    for p, mode in modes:
        p.chmod(mode)
    host.counts_on()


def a_folder_of_others_is_not_used(place):
    folder = place.runtime / "loop"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    host = place.storing("--bind", "loop:storage/store=memory", wait=False)
    host.logs("others can open")
    check(not list(folder.iterdir()), "a socket lies in an open folder")
    check("others can open" in place.loop("ps", status=77), "`loop ps` uses an open folder")
    host.counts_on()  # the component does not care
    folder.rmdir()
    elsewhere = place.base / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    check("is no folder" in place.loop("ps", status=77), "`loop ps` follows a link")


def a_short_command_makes_nothing(place):
    place.loop("run", str(place.guest("args")))
    check(place.sockets() == [], f"a short run leaves {place.sockets()}")


def what_a_killed_host_leaves_is_removed(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    host.end(signal.SIGKILL)
    check(len(place.sockets()) == 1, "there is nothing to remove")
    check("no host of yours is running" in place.loop("ps"), "`loop ps` shows a dead host")
    check(place.sockets() == [], "a dead host's socket is still there")


def an_ended_host_leaves_nothing(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    host.end()
    check(place.sockets() == [], f"it leaves {place.sockets()}")


def a_stopped_host_stops_nobody(place):
    first = place.storing("--bind", "loop:storage/store=memory")
    second = place.storing("--bind", "loop:storage/store=memory")
    first.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    shown = place.loop("ps")
    check(time.monotonic() - start < 30, "`loop ps` waits for a host that was stopped")
    check("did not answer" in shown and second.pid in shown, shown)
    first.process.send_signal(signal.SIGCONT)


def several_hosts_are_told_apart(place):
    hosts = [place.storing("--bind", "loop:storage/store=memory") for _ in range(2)]
    out = place.loop("status", "store", status=64)
    check(all(f"--host {h.pid}" in out for h in hosts), out)
    out = place.loop("status", "--host", hosts[1].pid, "store")
    check(f"of host {hosts[1].pid}" in out and hosts[0].pid not in out, out)
    check("an instance '#7'" in place.loop("status", "#7", status=66), "an instance that is not there")


# --- clients that are broken --------------------------------------------------------------

def garbage_is_answered_and_forgotten(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    rng = random.Random(6)
    before = host.descriptors()
    pieces = [b"\n", b"{}\n", b"\0\0\0\n", b"\xff\xfe\n", b"GET / HTTP/1.1\r\n", b"[" * 60000 + b"\n",
              b'{"loop":1,"do":"swap"}\n', b'{"loop":1,"do":"status","x":"' + b"y" * 9000 + b'"}\n']
    for piece in pieces:
        answer = ask(host, piece)
        check(answer["end"]["code"] in (64, 76), f"{piece[:40]!r} is answered {answer}")
    with host.connect() as s:  # a line without an end
        try:
            for _ in range(100):
                s.sendall(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            raise Wrong("a host reads on and on")
    for _ in range(200):
        with host.connect() as s:
            s.sendall(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))))
    with host.connect() as s:  # good requests after bad ones
        s.sendall(b"nonsense\n" + STATUS + b'{"loop":1}\n' + STATUS)
        kinds = [sorted(set(line) - {"loop"})[0] for line in lines(s, 4)]
        check(kinds == ["end", "status", "end", "status"], f"answers were {kinds}")
    check("status" in ask(host), "it does not answer any more")
    host.until(lambda: host.descriptors() <= before, f"{before} descriptors became {host.descriptors()}")
    host.counts_on()


def a_request_in_pieces_is_one(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    with host.connect() as s:
        for i in range(len(STATUS)):
            s.sendall(STATUS[i:i + 1])
        check("status" in lines(s)[0], "byte by byte")


def a_thousand_requests_leave_nothing(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    request = (b'{"loop":1,"do":"swap","instance":"store.wasm","interface":"loop:storage/store",'
               b'"links":[{"provider":"no-such"}]}\n')
    for _ in range(20):
        ask(host), ask(host, request)
    before = host.descriptors()
    with host.connect() as s:
        for _ in range(500):
            s.sendall(STATUS)
            lines(s)
            s.sendall(request)
            while "end" not in lines(s)[-1]:
                pass
    for _ in range(100):
        ask(host)
    host.until(lambda: host.descriptors() <= before, f"{before} descriptors became {host.descriptors()}")
    host.counts_on()


def silent_clients_keep_nobody_out(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    silent = [host.connect() for _ in range(100)]
    check("store.wasm" in place.loop("ps"), "`loop ps` does not get in")
    for s in silent:
        s.close()
    host.counts_on()


def a_client_that_does_not_read_is_dropped(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    before = host.descriptors()
    with host.connect() as s:
        s.settimeout(0.5)
        try:
            for _ in range(20000):
                s.sendall(STATUS * 10)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        else:
            raise Wrong("what a client does not read is kept somewhere")
        check("store.wasm" in place.loop("ps"), "others do not get in")
        host.counts_on()
    host.until(lambda: host.descriptors() <= before, f"{before} descriptors became {host.descriptors()}")


def a_host_without_descriptors_does_not_spin(place):
    shutil.copy(place.world.components / "examples/c-count.wasm", place.work / "count.wasm")
    host = place.start("run", "count.wasm")
    ask(host)

    def cpu():
        with open(f"/proc/{host.pid}/stat", encoding="utf-8") as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    limits = resource.prlimit(int(host.pid), resource.RLIMIT_NOFILE)
    resource.prlimit(int(host.pid), resource.RLIMIT_NOFILE, (3, limits[1]))
    with host.connect() as s:
        s.sendall(STATUS)
        before = cpu()
        time.sleep(1)
        check(cpu() - before < 0.5, f"it used {cpu() - before:.2f} s of one second")
        resource.prlimit(int(host.pid), resource.RLIMIT_NOFILE, limits)
        check("status" in lines(s)[0], "it does not answer once there is room again")


def a_client_may_die_at_any_moment(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    rng = random.Random(7)
    before = host.descriptors()
    command = [str(place.world.build / "loop"), "swap", "store", None]
    for i in range(30):
        command[3] = "loop:storage/store=" + (f"sqlite,file=killed{i}.db" if i % 2 else "memory")
        client = subprocess.Popen(command, cwd=place.work, env=place.env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(rng.uniform(0, 0.06))
        client.kill()
        client.wait()
    place.loop("reload", "store.loop:storage/store")
    host.until(lambda: host.descriptors() <= before + 8, f"{before} descriptors became {host.descriptors()}")
    host.counts_on()


# --- swaps --------------------------------------------------------------------------------

def what_is_counted_goes_through_swaps(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    host.counts_on()
    for i in range(10):
        wanted = "memory" if i % 2 else f"sqlite,file=notes{i}.db"
        out = place.loop("swap", "store", f"loop:storage/store={wanted}")
        check("→ " + wanted.split(",")[0] in out and "waited" in out, out)
        host.counts_on()
    status = json.loads(place.loop("status", "--json", "store"))[0]
    row = next(m for m in status["imports"] if m["interface"].startswith("loop:storage/store"))
    check(row["generation"] == 11 and row["chain"] == "memory", f"after ten swaps: {row}")


def a_dry_run_changes_nothing(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    out = place.loop("swap", "--dry-run", "store", "loop:storage/store=sqlite,file=notes.db")
    check("memory → sqlite" in out and "nothing was changed" in out, out)
    check(": memory, generation 1" in place.loop("status", "store"), "a dry run swapped")
    host.counts_on()


def what_fails_leaves_the_old_one(place):
    host = place.storing("--bind", "loop:storage/store=memory")
    for wanted, status in [("no-such", 66), ("sqlite,file=/dev/null/x.db", None), ("sqlite,color=red", None),
                           ("library:./no.so", 66), ("sidecar:./no-such-program", 66), ("logging", None)]:
        out = place.loop("swap", "store", f"loop:storage/store={wanted}", status=status)
        check("error:" in out, f"{wanted}: {out}")
        host.counts_on()
    check(": memory, generation 1" in place.loop("status", "store"), "a swap that failed changed something")


def shout(place, prefix, to):
    """A library that writes each message with `prefix` before it; built beside and moved, as builds do."""
    source = (ROOT / "tests/libraries/shout.c").read_text(encoding="utf-8").replace('"HEY"', f'"{prefix}"')
    (place.work / "shout.c").write_text(source, encoding="utf-8")
    to.parent.mkdir(exist_ok=True)
    status, out, _ = common.run(["cc", "-shared", "-fPIC", f"-I{ROOT}/include", str(place.work / "shout.c"), "-o",
                                 str(to) + ".new"], merged=True)
    check(status == 0, out.decode())
    os.rename(str(to) + ".new", to)


# --- files that change --------------------------------------------------------------------

CONFIG = """loop: 1
components:
  store: {{ path: store.wasm, grants: {{ storage: {{ quota: 1MiB }} }}, args: [in, notes, hammer] }}
bind:
  loop:storage/store: {binding}
"""


def write_config(place, binding):
    new = place.work / "loop.yaml.new"
    new.write_text(CONFIG.format(binding=binding), encoding="utf-8")
    new.rename(place.work / "loop.yaml")


def watched(place, binding):
    shutil.copy(place.guest("store"), place.work / "store.wasm")
    write_config(place, binding)
    return place.start("run", "--watch", "store")


def an_edit_of_loop_yaml_swaps(place):
    host = watched(place, "memory")
    host.counts_on()
    write_config(place, "{ use: sqlite, file: notes.db }")
    host.logs("swapped 'memory' for 'loop:storage/store': 'sqlite' serves it now")
    host.counts_on()
    write_config(place, "memory")
    host.logs("swapped 'sqlite' for 'loop:storage/store': 'memory' serves it now")
    host.counts_on()


def a_broken_loop_yaml_changes_nothing(place):
    host = watched(place, "memory")
    (place.work / "loop.yaml").write_text("loop: 1\nbind: [", encoding="utf-8")
    host.logs("stays as it was")
    host.counts_on()
    write_config(place, "no-such-provider")
    host.logs("no-such-provider")
    host.counts_on()
    write_config(place, "{ use: sqlite, file: notes.db }")
    host.logs("swapped 'memory' for 'loop:storage/store': 'sqlite' serves it now")
    host.counts_on()


def an_untrusted_loop_yaml_brings_no_native_code(place):
    host = watched(place, "memory")
    shout(place, "HEY", place.work / "build/shout.so")
    write_config(place, "{ library: build/shout.so }")
    host.logs("loop trust")
    check("shout: loaded" not in host.log(), "a library of an untrusted workspace was loaded")
    host.counts_on()
    write_config(place, "{ sidecar: [python3, -c, 'open(\"ran\", \"w\")'] }")
    host.until(lambda: host.log().count("loop trust") > 1, "the sidecar is not refused")
    time.sleep(0.3)
    check(not (place.work / "ran").exists(), "a sidecar of an untrusted workspace was started")
    host.counts_on()


def logging_through(place, binding):
    """An application that logs on and on, in a workspace that the user trusts."""
    (place.work / "loop.yaml").write_text(
        "loop: 1\ncomponents:\n  count: { path: count.wasm }\nbind:\n"
        f"  loop:core/logging: {binding}\n", encoding="utf-8")
    place.loop("trust", "--yes")


def counting(place, *options):
    shutil.copy(place.world.components / "examples/c-count.wasm", place.work / "count.wasm")
    return place.start("run", *options, "count")


def replace(place, name):
    """Another file at the same path, as a build makes it: beside it, then renamed."""
    shutil.copy(place.world.components / name, place.work / "count.wasm.new")
    (place.work / "count.wasm.new").rename(place.work / "count.wasm")


def what_could_not_be_bound_is_bound_later(place):
    logging_through(place, "logging")
    host = counting(place, "--watch")
    (place.work / "loop.yaml").write_text(
        (place.work / "loop.yaml").read_text(encoding="utf-8").replace(
            "logging: logging", "logging: { library: build/shout.so }"), encoding="utf-8")
    host.logs("loop trust")
    place.loop("trust", "--yes")
    os.utime(place.work / "loop.yaml")  # trusted now, and the file is not there yet
    host.logs("there is no library")
    shout(place, "ONE", place.work / "build/shout.so")
    host.logs("swapped 'logging'")
    host.logs("shout: open")


def a_component_goes_on_with_its_state(place):
    logging_through(place, "logging")
    host = counting(place)
    host.logs("count")
    out = place.loop("swap", "--dry-run", "count=count")
    check("nothing was changed" in out, out)
    out = place.loop("swap", "count=count")
    check("count.wasm → " in out and "waited" in out, out)
    out = place.loop("reload", "count")
    check("waited" in out, out)
    row = json.loads(place.loop("status", "--json", "count"))[0]
    check(row["swaps"] == 2 and row["restarts"] == 0, f"after two: {row['swaps']}, {row['restarts']}")


def a_component_without_reload_is_asked_about(place):
    host = place.storing("--bind", "loop:storage/store=sqlite,file=notes.db")
    host.counts_on()
    out = place.loop("reload", "store", status=77)
    check("--restart" in out, out)
    row = json.loads(place.loop("status", "--json", "store"))[0]
    check(row["restarts"] == 0, "it was started again all the same")
    out = place.loop("reload", "--restart", "store")
    check("warning" in out and "from nothing" in out, out)
    row = json.loads(place.loop("status", "--json", "store"))[0]
    check(row["restarts"] == 1, f"after one: {row['restarts']}")


def a_component_that_was_built_again_is_replaced(place):
    logging_through(place, "logging")
    host = counting(place, "--watch")
    replace(place, "examples/c-count.wasm")
    host.logs("took the place of")
    check("with its state" in host.log(), host.log())
    (place.work / "count.wasm").write_bytes(b"\0asm no longer")  # a build that fails
    host.logs("stays as it was")
    replace(place, "examples/c-count.wasm")
    host.until(lambda: host.log().count("took the place of") == 2, "it is not replaced again")


def a_component_that_keeps_nothing_is_told_of_first(place):
    shutil.copy(place.guest("store"), place.work / "store.wasm")
    write_config(place, "{ use: sqlite, file: notes.db }")
    host = place.start("run", "--watch", "store")
    host.counts_on()
    shutil.copy(place.guest("store"), place.work / "new.wasm")
    (place.work / "new.wasm").rename(place.work / "store.wasm")
    host.logs("starts again from nothing")
    host.logs("took the place of")
    log = host.log()
    check(log.index("starts again from nothing") < log.index("took the place of"), "told of too late")


def a_command_that_cannot_end_at_once_is_waited_for(place):
    """It stands in a write to a pipe that nobody reads, longer than one that ends for good may."""
    shutil.copy(place.guest("store"), place.work / "store.wasm")
    write_config(place, "memory")
    end, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
    host = place.start("run", "--watch", "store", stdout=into)
    os.close(into)
    asked = bytearray(4)
    host.until(lambda: fcntl.ioctl(end, termios.FIONREAD, asked) or int.from_bytes(asked, sys.byteorder) > 4080,
               "it does not fill the pipe")
    time.sleep(0.1)
    shutil.copy(place.guest("store"), place.work / "new.wasm")
    (place.work / "new.wasm").rename(place.work / "store.wasm")
    host.logs("starts again from nothing")
    time.sleep(0.3)
    check("stays as it was" not in host.log() and host.process.poll() is None, host.log())
    while "took the place of" not in host.log():
        check(os.read(end, 65536), "it ended\n" + host.log())
    os.close(end)


def what_is_quarantined_is_shown_and_a_reload_lifts_it(place):
    host = place.start("run", "--on-trap", "quarantine", "--dir", f"{place.work}::/data",
                       str(place.guest("falls")), "3")
    host.logs("is in quarantine")
    out = place.loop("status")
    check("quarantined" in out and "failed 3 times" in out and "`loop reload` starts it again" in out, out)
    row = json.loads(place.loop("status", "--json"))[0]
    check(row["condition"] == "quarantined" and row["failures"] == 3 and "trapped" in row["failure"], row)
    check("quarantined" in place.loop("ps"), "loop ps does not show it")
    place.loop("reload")
    check(host.process.wait(timeout=20) == 0, "it did not end well")
    with open(host.out.name, "rb") as f:
        check(f.read() == b"well after 3\n", "it said something else")


def what_is_quarantined_ends_at_a_signal(place):
    host = place.start("run", "--on-trap", "quarantine", str(place.guest("trap")))
    host.logs("is in quarantine")
    host.process.send_signal(signal.SIGINT)
    check(host.process.wait(timeout=20) == 72, "not the status of its failure")
    host.log().index("was in quarantine when it was ended")


def a_library_that_was_built_again_is_swapped(place):
    shout(place, "ONE", place.work / "build/shout.so")
    logging_through(place, "{ library: build/shout.so }")
    host = counting(place, "--watch")
    host.logs("shout: open")
    shout(place, "TWO", place.work / "build/shout.so")
    host.logs("swapped 'shout'")
    host.logs("shout: close ONE")
    out = place.loop("reload", "count.loop:core/logging")
    check("shout" in out, out)
    (place.work / "build/shout.so").write_bytes(b"\x7fELF, and no more")
    host.logs("stays as it was")


def trust_that_is_gone_keeps_a_library_as_it_is(place):
    shout(place, "ONE", place.work / "build/shout.so")
    logging_through(place, "{ library: build/shout.so }")
    host = counting(place, "--watch")
    host.logs("shout: open")
    with open(place.work / "loop.yaml", "a", encoding="utf-8") as f:
        f.write("# an edit\n")
    host.logs("was read again")
    shout(place, "TWO", place.work / "build/shout.so")
    host.logs("loop trust")
    check("swapped" not in host.log(), "an untrusted workspace's library was loaded")


TESTS = [
    a_socket_is_its_users_alone, a_folder_of_others_is_not_used, a_short_command_makes_nothing,
    what_a_killed_host_leaves_is_removed, an_ended_host_leaves_nothing, a_stopped_host_stops_nobody,
    several_hosts_are_told_apart, garbage_is_answered_and_forgotten, a_request_in_pieces_is_one,
    a_thousand_requests_leave_nothing, silent_clients_keep_nobody_out, a_client_that_does_not_read_is_dropped,
    a_host_without_descriptors_does_not_spin, a_client_may_die_at_any_moment, what_is_counted_goes_through_swaps, a_dry_run_changes_nothing,
    what_fails_leaves_the_old_one, an_edit_of_loop_yaml_swaps, a_broken_loop_yaml_changes_nothing,
    an_untrusted_loop_yaml_brings_no_native_code, a_component_goes_on_with_its_state,
    a_component_without_reload_is_asked_about, a_component_that_was_built_again_is_replaced,
    a_component_that_keeps_nothing_is_told_of_first, a_command_that_cannot_end_at_once_is_waited_for,
    what_is_quarantined_is_shown_and_a_reload_lifts_it, what_is_quarantined_ends_at_a_signal, a_library_that_was_built_again_is_swapped,
    trust_that_is_gone_keeps_a_library_as_it_is, what_could_not_be_bound_is_bound_later,
]


def run_test(world, test):
    name = f"control/{test.__name__}"
    place = Place(world)
    try:
        test(place)
        return Result(name)
    except Wrong as wrong:
        logs = "".join(f"--- log of {h.pid}\n{h.log()[-3000:]}" for h in place.hosts)
        return Result(name, False, f"{wrong}\n{logs}")
    finally:
        place.close()


def jobs(world):
    for test in TESTS:
        if world.pattern in f"control/{test.__name__}":
            yield lambda test=test: run_test(world, test)
