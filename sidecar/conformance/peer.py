"""The host of sidecar/PROTOCOL.md, as the checks beside this file need it.

Strict: whatever a sidecar sends is checked against the page (types, order, ids, credit, capabilities,
what a peer may refer to), and what is wrong raises Wrong. One thread; whoever waits for something
sees to what comes meanwhile. Speaks over pipes, without the guard and the restarts of the real host.
"""

import fcntl
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import wire

PAGE = Path(__file__).resolve().parent.parent / "PROTOCOL.md"
ERROR = "record{code:string,messages:list<string>,hint:option<string>}"
CUT = ("CALL", "NEXT", "RESULT", "FAULT", "STATE")
HANDSHAKE = ("WELCOME", "START", "READY", "FAIL")
LEAST_CREDIT, MOST_CREDIT = 2 << 20, 64 << 20
HANDLE = wire.parse_type("u64")
MOST_OBJECT = 64 << 10  # bytes of the state of an object
LARGE = 64 << 10  # bytes from which on a value may lie in the shared memory


class Wrong(Exception):
    """The sidecar broke a promise."""


class Ended(Wrong):
    """It ended, or closed its stdout."""


class Fault(Exception):
    """FAULT or FAIL."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {': '.join(error['messages'])}")
        self.code, self.messages, self.hint = error["code"], error["messages"], error["hint"]


def read_frames():
    """name -> number, who sends it, type of the payload or None, whether more follows it."""
    rows = {}
    for line in PAGE.read_text("utf-8").partition("```frames\n")[2].partition("```")[0].splitlines():
        number, name, who, _, text = line.split(None, 4)
        kind = ERROR if text == "error" else text.rstrip("+")
        rows[name] = (int(number, 16), who, wire.parse_type(kind) if kind not in ("", "-") else None,
                      text.endswith("+"))
    return rows


FRAMES = read_frames()
NAMES = {row[0]: name for name, row in FRAMES.items()}


def pack(name, value):
    kind = FRAMES[name][2]
    return wire.encode(kind, value) if kind else b""


def short(value):
    text = repr(value)
    return text if len(text) < 160 else f"{text[:120]}... ({len(text)} characters)"


class Sidecar:
    """A running sidecar. `wanted`: capabilities to agree to; None: all that it has."""

    def __init__(self, command, options=None, wanted=None, credit=4 << 20, shared=8 << 20, log="trace",
                 patience=10, env=None, stdin=subprocess.PIPE, cwd=None):
        self.patience, self.given_credit, self.log_level = patience, credit, log
        self.wanted, self.options = wanted, options or {}
        self.incoming, self.pieces, self.messages = bytearray(), {}, []
        self.in_flight = self.unreturned = self.credit = self.spent = 0
        self.give_back = True  # CREDIT for what came
        self.late = False  # only when it must, at half of it
        self.capabilities, self.open, self.nexts = [], {}, set()
        self.logs, self.drops, self.released, self.held = [], [], [], {}
        self.on_next = self.no_next
        self.shared_size, self.shared_at, self.kept = shared, 0, {}
        self.next_id, self.ready, self.callers = 2, False, 0
        env = dict(os.environ) | {"LOOP_SIDECAR": "1"} if env is None else env
        self.memory = os.memfd_create("loop-conformance", os.MFD_ALLOW_SEALING)
        os.truncate(self.memory, shared)
        fcntl.fcntl(self.memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        if env.get("LOOP_SIDECAR"):
            env["LOOP_SIDECAR_FD"] = str(self.memory)
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=self.stderr,
                                        cwd=cwd, env=env, pass_fds=(self.memory,), bufsize=0,
                                        start_new_session=True)
        if self.process.stdin:
            os.set_blocking(self.process.stdin.fileno(), False)

    # --- the handshake

    def hear_welcome(self):
        name, frame_id, payload, _ = self.message()
        if name != "WELCOME" or frame_id:
            raise Wrong(f"{name} {frame_id} before WELCOME")
        reader = wire.Reader(payload)
        self.welcome = reader.value(FRAMES["WELCOME"][2])  # later versions append to it
        self.credit = self.welcome["credit"]
        self.rows = {}
        for i, interface in enumerate(self.welcome["interfaces"]):
            for k, row in enumerate(interface["functions"]):
                short_name = interface["name"].rpartition("/")[2]
                self.rows[f"{short_name}.{row['name']}"] = (i, k, *wire.parse_function(row["type"]))
        return self.welcome

    def start_value(self, **changes):
        have = self.welcome["capabilities"]
        self.capabilities = [c for c in ("cancel", "shared-memory", "state", "state-copy")
                             if c in have and (self.wanted is None or c in self.wanted)]
        texts = {o["name"]: o["fallback"]["some"] for o in self.welcome["options"] if o["fallback"]}
        sharing = "shared-memory" in self.capabilities
        return {"protocol": 1, "host": "conformance 1.0.0", "capabilities": self.capabilities,
                "credit": self.given_credit, "shared": self.shared_size if sharing else 0,
                "log": self.log_level, "deadline": int(self.patience * 1000),
                "options": [list(pair) for pair in (texts | self.options).items()]} | changes

    def start(self):
        """The whole handshake; raises Fault for FAIL."""
        self.hear_welcome()
        self.write(wire.frame(FRAMES["START"][0], 0, pack("START", self.start_value())))
        self.hear_ready()
        return self

    def hear_ready(self):
        while True:
            name, frame_id, payload, _ = self.message()
            if name == "LOG":
                self.see_to(name, frame_id, payload)
                continue
            if frame_id or name not in ("READY", "FAIL"):
                raise Wrong(f"{name} {frame_id} where READY or FAIL was due")
            if name == "FAIL":
                raise Fault(self.decode("FAIL", payload))
            self.decode("READY", payload)
            self.ready = True
            return

    def has(self, capability):
        return capability in self.welcome["capabilities"]

    # --- calls

    def caller(self, component="conformance", identity="test:conformance", storage=0, why="not granted",
               number=None):
        self.callers += 1
        number = number or self.callers
        self.send("CALLER", number, {"component": component, "identity": identity, "instance": 1000 + number,
                                     "storage": storage, "storage-why": why})
        return number

    def begin(self, name, *args, caller=None, deadline=0, call_id=None, raw=None, pieces=None, share=False):
        """Sends CALL; its id. `raw`: the arguments as bytes."""
        if caller is None and not self.callers:
            self.caller()
        i, k, params, result = self.rows[name]
        if call_id is None:
            call_id, self.next_id = self.next_id, self.next_id + 2
        payload = raw if raw is not None else wire.encode(params, list(args), self.share if share else None)
        self.open[call_id] = (name, result)
        self.send("CALL", call_id, pack("CALL", [caller or 1, i, k, deadline, 0]) + payload, pieces)
        return call_id

    def answer(self, call_id, patience=None):
        """Waits for the answer of a call: its value; raises Fault."""
        return self.take(call_id, *self.raw_answer(call_id, patience))

    def raw_answer(self, call_id, patience=None):
        until = time.monotonic() + (patience or self.patience)
        while True:
            for at, (name, frame_id, payload) in enumerate(self.messages):
                if frame_id == call_id:
                    del self.messages[at]
                    return name, payload
            self.pump(until, f"the answer of {self.open.get(call_id, ('a call',))[0]}")

    def use_credit_up(self):
        """Reads, and gives none back, until the sidecar has next to none left."""
        self.give_back = False
        until = time.monotonic() + self.patience
        while self.in_flight < self.given_credit - 4096:  # less is not worth a frame
            name, frame_id, payload, _ = self.frame(until, "as much as there is credit for")
            self.pieces.setdefault(frame_id, (name, bytearray()))[1].extend(payload)

    def any_answer(self):
        """The id of the call that is answered next."""
        until = time.monotonic() + self.patience
        while not self.messages:
            self.pump(until, "an answer")
        return self.messages[0][1]

    def take(self, call_id, name, payload):
        function, result = self.open.pop(call_id)
        if name == "FAULT":
            raise Fault(self.decode("FAULT", payload))
        self.referred = []
        if result is None:
            if payload:
                raise Wrong(f"{function} has no result, but {len(payload)} bytes came")
            return None
        reader = wire.Reader(payload, self.fetch)
        value = reader.value(result)
        reader.end()
        self.last = payload
        if self.referred:
            self.held[call_id] = self.referred
        return value

    def call(self, name, *args, **more):
        call_id = self.begin(name, *args, **more)
        value = self.answer(call_id)
        if call_id in self.held:
            self.release(call_id)
        return value

    def fault(self, name, *args, **more):
        """A call that has to end in FAULT."""
        try:
            value = self.call(name, *args, **more)
        except Fault as fault:
            return fault
        raise Wrong(f"{name} answered {short(value)} where FAULT was due")

    # --- save and restore

    def step(self, name, value=None):
        """Sends QUIESCE, SAVE and the like; its id."""
        call_id, self.next_id = self.next_id, self.next_id + 2
        self.open[call_id] = (name, HANDLE if name == "RESTORE-OBJECT" else None)
        self.kept[call_id] = []
        self.send(name, call_id, pack(name, value))
        return call_id

    def answered(self, call_id):
        return any(m[1] == call_id for m in self.messages)

    def ask(self, name, value=None, states=()):
        """A step to its end: the state that came, or the handle; raises Fault."""
        call_id = self.step(name, value)
        for i, state in enumerate(states):
            self.send("STATE", call_id, state, more=i + 1 < len(states))
        return self.step_answer(call_id)

    def step_answer(self, call_id):
        name = self.open[call_id][0]
        handle = self.answer(call_id)
        pieces = self.kept.pop(call_id)
        if name not in ("SAVE", "SAVE-OBJECT"):
            return handle
        if not pieces or pieces[-1][1]:
            raise Wrong(f"RESULT of {name} before the last STATE")
        return b"".join(data for data, _ in pieces)

    def hear_state(self, call_id, payload, more):
        name = self.open.get(call_id, ("",))[0]
        pieces = self.kept.get(call_id)
        if name not in ("SAVE", "SAVE-OBJECT") or self.answered(call_id) or (pieces and not pieces[-1][1]):
            raise Wrong(f"STATE {call_id}, which nobody asked for")
        if name == "SAVE-OBJECT" and (more or len(payload) > MOST_OBJECT):
            raise Wrong(f"the state of an object of {len(payload)} bytes{', and more' if more else ''}")
        if name == "SAVE" and payload and self.in_flight > self.given_credit - self.given_credit // 2:
            raise Wrong("STATE that leaves the other messages less than half of the credit")
        pieces.append((payload, more))

    # --- shared memory: the lower half is given out in a ring, the upper half is only read

    def share(self, raw):
        if len(raw) < LARGE or "shared-memory" not in self.capabilities:
            return None
        if self.shared_at + len(raw) > self.shared_size // 2:
            self.shared_at = 0
        os.pwrite(self.memory, raw, self.shared_at)
        self.shared_at += len(raw)
        return self.shared_at - len(raw)

    def fetch(self, offset, length):
        if "shared-memory" not in self.capabilities:
            raise Wrong("a reference into shared memory that was not agreed")
        if offset < self.shared_size // 2 or offset + length > self.shared_size:
            raise Wrong(f"a reference to {length} bytes at {offset}, which is not its half")
        if length < LARGE:
            raise Wrong(f"a reference for {length} bytes")
        self.referred.append((offset, length))
        return os.pread(self.memory, length, offset)

    def release(self, call_id):
        self.held.pop(call_id)
        self.send("RELEASE", call_id)

    # --- frames out

    def send(self, name, frame_id=0, value=None, pieces=None, more=False):
        """A message, in pieces of 256 KiB or of `pieces` bytes; waits for credit."""
        payload = value if isinstance(value, bytes) else pack(name, value)
        counts = name != "CREDIT"
        while True:
            n = min(len(payload), pieces or 256 << 10) if name in CUT else len(payload)
            until = time.monotonic() + self.patience
            stream = name == "STATE" and self.open[frame_id][0] == "RESTORE"
            while stream and payload and not (n := min(n, self.credit - self.welcome["credit"] // 2)) > 0:
                self.pump(until, "credit for more of a state")
                if self.answered(frame_id):
                    return
                n = min(len(payload), pieces or 256 << 10)
            while counts and self.credit < n:
                self.pump(until, "credit")
            piece, payload = payload[:n], payload[n:]
            if counts:
                self.credit -= n
                self.spent += n
            self.write(wire.frame(FRAMES[name][0], frame_id, piece, wire.MORE if payload or more else 0))
            if not payload:
                return

    def write(self, data):
        view, fd = memoryview(data), self.process.stdin.fileno()
        until = time.monotonic() + self.patience
        while view:
            try:
                view = view[os.write(fd, view):]
                continue
            except BlockingIOError:
                pass
            except BrokenPipeError:
                raise Ended(f"it is gone: {self.said()}") from None
            left = until - time.monotonic()
            if left < 0:
                raise Wrong("it does not read")
            readable, _, _ = select.select([self.process.stdout], [fd], [], left)
            if readable and not self.read():
                raise Ended(f"it is gone: {self.said()}")

    # --- frames in

    def read(self):
        data = os.read(self.process.stdout.fileno(), 1 << 18)
        self.incoming += data
        return len(data)

    def frame(self, until, what):
        """The next frame: name, id, payload, MORE; None for one that may be ignored."""
        while True:
            have = len(self.incoming)
            if have >= 12:
                length, number, flags, magic, frame_id = wire.HEADER.unpack_from(self.incoming)
                if magic != wire.MAGIC or length > wire.MAX_FRAME or flags > 1:
                    raise Wrong(f"no frame: {bytes(self.incoming[:60])!r}")
                if have >= 12 + length:
                    payload = bytes(self.incoming[12:12 + length])
                    del self.incoming[:12 + length]
                    return self.check_frame(number, frame_id, payload, bool(flags & 1))
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Wrong(f"{what} did not come in time; {self.said() or 'nothing on stderr'}")
            if not self.read():
                rest = bytes(self.incoming[:60])
                raise Ended(f"it ended before {what}{f', with {rest!r} left' if rest else ''}: {self.said()}")

    def check_frame(self, number, frame_id, payload, more):
        name = NAMES.get(number)
        if name is None and number < 0x80:
            raise Wrong(f"a frame of the type {number:#x}, which is none")
        if name and FRAMES[name][1] == "host":
            raise Wrong(f"{name}, which only the host sends")
        if more and name not in CUT:
            raise Wrong(f"{name} with MORE")
        if name not in HANDSHAKE and name != "CREDIT":
            self.in_flight += len(payload)
            if self.in_flight > self.given_credit:
                raise Wrong(f"{self.in_flight} bytes in flight, with credit for {self.given_credit}")
            self.unreturned += len(payload)
            enough = self.given_credit // 2 if self.late else self.given_credit // 4 + 1
            if self.give_back and self.unreturned >= enough:
                self.return_credit()
        return name, frame_id, payload, more

    def return_credit(self):
        n, self.unreturned = self.unreturned, 0
        self.in_flight -= n
        self.send("CREDIT", 0, n)

    def message(self, until=None, what="a message"):
        """The next message, put together."""
        until = until or time.monotonic() + self.patience
        while True:
            name, frame_id, payload, more = self.frame(until, what)
            if name == "STATE" or (not more and frame_id not in self.pieces) or name not in CUT:
                return name, frame_id, payload, more
            first, data = self.pieces.setdefault(frame_id, (name, bytearray()))
            if first != name:
                raise Wrong(f"{name} {frame_id} between the pieces of {first}")
            data += payload
            if not more:
                del self.pieces[frame_id]
                return name, frame_id, bytes(data), False

    def pump(self, until, what):
        """Waits for one message and sees to it; answers are kept in `messages`."""
        name, frame_id, payload, more = self.message(until, what)
        if name in ("RESULT", "FAULT"):
            if frame_id not in self.open or any(m[1] == frame_id for m in self.messages):
                raise Wrong(f"{name} {frame_id}, which nobody asked for")
            self.messages.append((name, frame_id, payload))
        elif name == "STATE":
            self.hear_state(frame_id, payload, more)
        elif name is not None:
            self.see_to(name, frame_id, payload)

    def see_to(self, name, frame_id, payload):
        if name == "NEXT":
            self.hear_next(frame_id, payload)
            return
        value = self.decode(name, payload)
        if name == "CREDIT":
            if value > self.spent or not value:
                raise Wrong(f"CREDIT for {value} bytes, of {self.spent}")
            self.spent -= value
            self.credit += value
        elif name == "LOG":
            self.logs.append((frame_id, value))
        elif name == "DROP":
            self.drops.append(value)
        elif name == "PING":
            self.send("PONG", frame_id)
        elif name == "PONG":
            self.messages.append((name, frame_id, payload))
        elif name == "RELEASE":
            self.released.append(frame_id)
        elif name == "CANCEL":
            if frame_id % 2 == 0:
                raise Wrong(f"CANCEL of {frame_id}, which is the host's")
        else:
            raise Wrong(f"{name} {frame_id} out of order")

    def hear_next(self, frame_id, payload):
        reader = wire.Reader(payload, self.fetch)
        self.referred = []
        call_id, i, k = reader.value(FRAMES["NEXT"][2])
        if frame_id % 2 == 0 or frame_id in self.nexts:
            raise Wrong(f"NEXT {frame_id}, which is not an id of its own")
        if call_id not in self.open:
            raise Wrong(f"NEXT in the course of {call_id}, which is not under way")
        interface = self.welcome["interfaces"][i]
        params, result = wire.parse_function(interface["functions"][k]["type"])
        args = reader.value(params)
        reader.end()
        self.nexts.add(frame_id)
        name = f"{interface['name'].rpartition('/')[2]}.{interface['functions'][k]['name']}"
        self.on_next(frame_id, call_id, name, args, result)

    def no_next(self, frame_id, call_id, name, args, result):
        self.fail_next(frame_id, "unavailable", ["the end of the chain"])

    def answer_next(self, frame_id, kind, value, share=False, pieces=None):
        self.nexts.remove(frame_id)
        self.send("RESULT", frame_id, wire.encode(kind, value, self.share if share else None), pieces)

    def fail_next(self, frame_id, code, messages):
        self.nexts.remove(frame_id)
        self.send("FAULT", frame_id, {"code": code, "messages": messages, "hint": None})

    def decode(self, name, payload):
        kind = FRAMES[name][2]
        try:
            if kind:
                return wire.decode(kind, payload)
        except wire.Wrong as error:
            raise Wrong(f"{name}: {error}") from error
        if payload:
            raise Wrong(f"{name} with {len(payload)} bytes")
        return None

    def ping(self, number):
        self.send("PING", number)
        until = time.monotonic() + self.patience
        while not any(m[:2] == ("PONG", number) for m in self.messages):
            self.pump(until, "PONG")
        self.messages = [m for m in self.messages if m[:2] != ("PONG", number)]

    def quiet(self, seconds):
        """That nothing but CREDIT, LOG and the like comes for so long."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return
            if len(self.incoming) < 12 and not select.select([self.process.stdout], [], [], left)[0]:
                return
            self.pump(time.monotonic() + self.patience, "the rest of a frame")
            if self.messages:
                raise Wrong(f"{self.messages[0][0]} {self.messages[0][1]} where nothing was due")

    # --- the end

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")[-2000:].strip()

    def ends(self, seconds=2, slack=3):
        """Its status, in `seconds`; machines that have much to do get `slack` more."""
        try:
            return self.process.wait(seconds + slack)
        except subprocess.TimeoutExpired:
            raise Wrong(f"it does not end: {self.said()}") from None

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        # What it still writes has to be read, or it could not end.
        until = time.monotonic() + 5
        while time.monotonic() < until and select.select([self.process.stdout], [], [], 5)[0]:
            if not os.read(self.process.stdout.fileno(), 1 << 18):
                break
        return self.ends()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.process.poll() is None:
                status = self.close()
                if status:
                    raise Wrong(f"it ended with {status}: {self.said()}")
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            for f in (self.process.stdin, self.process.stdout, self.stderr):
                if f:
                    f.close()
            os.close(self.memory)
