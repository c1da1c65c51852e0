"""The conversation of sidecar/PROTOCOL.md: the handshake, calls, handles, state, the end.

One thread reads; it answers what has to be answered at once, and never sends what needs credit.
Functions run on threads of their own, which are made when they are first needed and then kept.
"""

import collections
import os
import queue
import re
import sys
import threading
import time
import traceback

from .frames import CREDIT, LEVELS, TYPES, Broken, Closed, Connection
from .memory import Peer, Remote, Shared, Table
from .provider import Call, Caller, Fault, Host, fault_of
from .state import Handover
from .types import Case, Err, Ok
from .wire import Malformed, Reader

_RESOURCES = re.compile(r"(?:own|borrow)<([^>]+)>")


def _take_streams():
    """Frames get descriptors of their own; 1 becomes what 2 is, and 0 ends at once. What this process
    starts inherits none of it."""
    source, sink, shared = os.dup(0), os.dup(1), os.environ.pop("LOOP_SIDECAR_FD", None)
    del os.environ["LOOP_SIDECAR"]
    if shared:
        os.set_inheritable(int(shared), False)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout.reconfigure(line_buffering=True)
    return source, sink, int(shared or -1)


# Taken when the package is imported, before the program can print.
_STREAMS = _take_streams() if os.environ.get("LOOP_SIDECAR") == "1" else None


class _Asked:
    """A NEXT that is under way."""

    def __init__(self, sidecar, ident, row):
        self.sidecar, self.id, self.row = sidecar, ident, row
        self.answer = queue.SimpleQueue()

    def result(self):
        name, payload = self.answer.get()
        if name is None:
            raise Fault("cancelled", "the host has closed the connection")
        if name == "FAULT":
            e = payload
            raise Fault(e.code, *e.messages, hint=e.hint)
        peer, result = Peer(self.sidecar, self.id), self.row.type.result
        try:
            if result is None and payload:
                raise Malformed(f"{len(payload)} bytes for nothing")
            value = result.decode(payload, peer) if result else None
        except Malformed as why:
            self.sidecar.broken(f"the answer of '{self.row.name}' is none: {why}")
        if peer.referred:
            self.sidecar.connection.send("RELEASE", self.id)
        if isinstance(value, Err) and result.kind == "result":
            raise value
        return value.value if result and result.kind == "result" else value

    def cancel(self, why="interrupted", left=0):
        if self.id in self.sidecar.asked:
            self.sidecar.connection.send("CANCEL", self.id, (why, left))


class Sidecar:
    def __init__(self, name, interfaces, calls, open, close, caller_gone, state, options, welcome):
        self.name, self.interfaces, self.most = name, interfaces, calls
        self.on_open, self.on_close, self.on_caller_gone = open, close, caller_gone
        self.options = {o.name: o for o in options}
        self.tables, self.places, self.shared = {}, {}, None
        for i, interface in enumerate(interfaces):
            for r, resource in enumerate(interface.resources):
                self.tables[f"{interface.name}.{resource}"] = Table()
                self.places[f"{interface.name}.{resource}"] = (i, r)
        self._check_resources()
        self.lock = threading.Lock()
        self.callers, self.calls, self.asked, self.early = {}, {}, {}, {}
        self.last_id, self.open, self.level = -1, False, 0
        self.quiet = threading.Condition(self.lock)
        self.answering = 0
        self.work, self.threads, self.idle = queue.SimpleQueue(), 0, 0
        self.firsts, self.draining, self.firsts_came, self.firsts_done = collections.deque(), threading.Lock(), 0, 0
        self.connection, self.handover = Connection(*_STREAMS[:2]), Handover(self, state)
        self.connection.send("WELCOME", 0, welcome | {
            "magic": "loop-sidecar", "protocols": [1], "name": name, "credit": CREDIT, "calls": calls,
            "capabilities": ["cancel", "shared-memory", *self.handover.capabilities],
            "options": [o.to_wire() for o in options], "interfaces": [i.to_wire() for i in interfaces]})

    def _check_resources(self):
        for row in (row for interface in self.interfaces for row in interface.rows):
            for resource in _RESOURCES.findall(row.type.text):
                if resource not in self.tables:
                    raise ValueError(f"'{row.name}' names {resource}, which is not served here")

    # --- the reading thread

    def run(self):
        """Until the host closes the connection."""
        try:
            try:
                self._start(*self.connection.receive())
                while True:
                    self._receive(*self.connection.receive())
            except Closed:
                pass
        except (Broken, Malformed) as why:
            self.broken(why)
        except Exception:
            traceback.print_exc()
            os._exit(1)
        for call in list(self.calls.values()):
            call.cancel("stopped", 0)
        for asked in list(self.asked.values()):
            asked.answer.put((None, None))
        self.connection.close()
        self.handover.close()
        self.drain()
        if self.on_close:
            self.on_close()

    def broken(self, why):
        print(f"against the protocol: {why}", file=sys.stderr, flush=True)
        os._exit(1)

    def _start(self, row, ident, payload, _):
        if row.name != "START":
            raise Broken(f"{row.name} before START")
        start = row.type.read(Reader(payload))  # later versions append fields
        if start.protocol != 1:
            raise Broken(f"the host wants version {start.protocol}")
        self.connection.start(start.credit)
        self.level, self.handover.agreed = LEVELS.index(start.log), start.capabilities
        if start.shared and "shared-memory" in start.capabilities and _STREAMS[2] > 2:
            self.shared = Shared(_STREAMS[2], start.shared)
        options = {name: self.options[name].value(text) for name, text in start.options if name in self.options}
        # On a thread of its own, so that PING is answered meanwhile.
        threading.Thread(target=self._open, args=(Host(self, start.host, options, dict(start.options)),), daemon=True).start()

    def _open(self, host):
        try:
            if self.on_open:
                self.on_open(host)
        except Exception as why:
            fault = why if isinstance(why, Fault) else Fault("unavailable", str(why) or type(why).__name__)
            self.connection.send("FAIL", 0, fault.to_wire())
            sys.stderr.flush()
            os._exit(1)
        self.open = True
        self.connection.send("READY", 0)

    def _receive(self, row, ident, payload, more):
        if row.name == "START":
            raise Broken("a second START")
        if not self.open and row.name != "PING":
            raise Broken(f"{row.name} before READY")
        if row.type is None and payload and row.name not in ("RESULT", "STATE"):
            raise Broken(f"a {row.name} with {len(payload)} bytes")
        if row.name == "CALL":
            self._call(row, ident, payload)
        elif row.name == "STATE":
            self.handover.state_came(ident, payload, more)
        elif row.name in _STEPS:
            _STEPS[row.name](self.handover, ident, self.connection.decoded(row, payload) if row.type else payload)
        else:
            getattr(self, "_on_" + row.name.lower().replace("-", "_"))(
                ident, self.connection.decoded(row, payload) if row.type else payload)

    def _on_caller(self, ident, record):
        self.callers[ident] = Caller(record)

    def _on_caller_gone(self, ident, _):
        caller = self.callers.pop(ident, None)
        if caller and self.on_caller_gone:
            self.do(lambda: self.on_caller_gone(caller))

    def _on_cancel(self, ident, value):
        if ident in self.connection.pieces:
            self.early[ident] = value
        elif ident in self.calls:
            self.calls[ident].cancel(*value)
        else:
            self.handover.cancel(ident)

    def _on_result(self, ident, payload):
        self._asked_of(ident).answer.put(("RESULT", payload))

    def _on_fault(self, ident, error):
        self._asked_of(ident).answer.put(("FAULT", error))

    def _asked_of(self, ident):
        asked = self.asked.pop(ident, None)
        if not asked:
            raise Broken(f"the answer of a call that nobody made, {ident}")
        if self.shared:
            self.shared.free(ident)
        return asked

    def _on_drop(self, _, value):
        i, r, handle = value
        if i >= len(self.interfaces) or r >= len(self.interfaces[i].resources):
            raise Broken(f"a DROP of resource {r} of interface {i}, which is not there")
        resource = f"{self.interfaces[i].name}.{self.interfaces[i].resources[r]}"
        thing = self.tables[resource].remove(handle)
        self.before_calls(lambda: self._dropped(resource, thing))

    def before_calls(self, job):
        """Runs `job` on one of the threads: one after another, and before what comes from the host behind it.
        It raises nothing. The reading thread."""
        self.firsts.append(job)
        self.firsts_came += 1
        self.do(self.drain)

    def drain(self):
        with self.draining:
            while self.firsts:
                self.firsts.popleft()()
                self.firsts_done += 1

    def _on_release(self, ident, _):
        if self.shared:
            self.shared.free(ident)

    def _on_ping(self, ident, _):
        self.connection.send("PONG", ident)

    def _on_pong(self, *_):
        pass

    def wait_until_quiet(self):
        with self.quiet:
            self.quiet.wait_for(lambda: not self.calls and not self.answering)

    # --- calls of the host

    def _call(self, row, ident, payload):
        args = Reader(payload)
        try:
            caller, i, f, deadline, _ = row.type.read(args)
        except Malformed as why:
            raise Broken(f"a CALL that is none: {why}") from None
        if caller not in self.callers:
            raise Broken(f"a call of caller {caller}, which is not there")
        if ident % 2 or not ident or ident in self.calls:
            raise Broken(f"a call with the id {ident}")
        if self.most and len(self.calls) >= self.most:
            raise Broken(f"more than {self.most} calls at once")
        interface = self.interfaces[i] if i < len(self.interfaces) else None
        row = interface.rows[f] if interface and f < len(interface.rows) and interface.rows[f].run else None
        call = Call(self, ident, self.callers[caller], interface, i, row, deadline)
        self.calls[ident] = call
        if not row:
            fault = Fault("not-found", f"there is no function {f} of interface {i}")
            self.do(lambda: self._answer(call, "FAULT", fault, None))
            return
        if ident in self.early:
            call.cancel(*self.early.pop(ident))
        self.do(lambda: self._run(call, args))

    def _run(self, call, args):
        self._answer(call, *self._result(call, args))

    def _result(self, call, args):
        """What to answer: the frame's name and its payload, and the Peer of a result."""
        if self.firsts_done != self.firsts_came:
            self.drain()
        row, peer = call.row, Peer(self, call.id)
        args.peer = peer
        try:
            values = row.type.parameters.read(args)
            if args.at != args.end:
                raise Malformed(f"{args.end - args.at} bytes are behind them")
        except Malformed as why:
            for taken in peer.taken:
                self._dropped(*taken)
            return "FAULT", Fault("invalid", f"the arguments of '{row.name}' are none", str(why)), None
        result = row.type.result
        fallible = result is not None and result.kind == "result"
        try:
            value = row.run(call, *values)
            value = Ok(value) if fallible else value
        except Err as e:
            if not fallible:
                return "FAULT", Fault("internal", f"'{row.name}' raised an Err and answers no result"), None
            value = e
        except Fault as fault:
            return "FAULT", fault, None
        except Exception as why:
            traceback.print_exc()
            return "FAULT", fault_of(why, f"'{row.name}' failed"), None
        peer = Peer(self, call.id)
        try:
            return "RESULT", result.encode(value, peer) if result else b"", peer
        except Exception as why:
            peer.undo()
            traceback.print_exc()
            return "FAULT", fault_of(why, f"the answer of '{row.name}' is no {result.text}"), None

    def _answer(self, call, name, answer, peer):
        with self.quiet:
            del self.calls[call.id]  # the id is free once the answer is out,
            self.answering += 1      # and the call is over then
        try:
            if name == "FAULT":
                self.connection.send(name, call.id, answer.to_wire())
            else:
                self.connection.send(name, call.id, tail=answer)
                peer.sent()
        except Closed:
            pass
        finally:
            with self.quiet:
                self.answering -= 1
                self.quiet.notify_all()

    def _dropped(self, resource, thing):
        if isinstance(thing, Remote):
            return thing.drop()
        i, r = self.places[resource]
        drop = self.interfaces[i].hooks[r].drop
        try:
            return drop and drop(thing)
        except Exception:  # nobody is there to be told
            return traceback.print_exc()

    # --- calls of ours

    def ask(self, call, name, args):
        if name not in call.interface.places:
            raise ValueError(f"{call.interface.name} has no function '{name}'")
        place = call.interface.places[name]
        row = call.interface.rows[place]
        with self.lock:
            while True:
                self.last_id = (self.last_id + 2) % (1 << 32)
                if self.last_id not in self.asked:
                    break
            asked = self.asked[self.last_id] = _Asked(self, self.last_id, row)
        peer = Peer(self, asked.id, remote_only=True)
        try:
            tail = row.type.parameters.encode(args, peer)
        except Exception:
            peer.undo()
            del self.asked[asked.id]
            raise
        self.connection.send("NEXT", asked.id, (call.id, call.place, place), tail)
        peer.sent()
        return asked

    def drop_remote(self, remote):
        self.connection.send("DROP", 0, (*self.places[remote.resource], remote.handle))

    # --- threads, and the log

    def do(self, job):
        """On one of the threads. They are as many as have ever been busy at once."""
        with self.lock:
            if self.idle:
                self.idle -= 1
            else:
                self.threads += 1
                threading.Thread(target=self._work, daemon=True).start()
        self.work.put(job)

    def _work(self):
        while True:
            self.work.get()()
            with self.lock:
                self.idle += 1

    def log(self, level, message, fields, ident):
        if LEVELS.index(level) < self.level:
            return

        def value(v):
            if isinstance(v, bool):
                return "boolean", v
            if isinstance(v, int) and -1 << 63 <= v < 1 << 63:
                return "integer", v
            return ("number", v) if isinstance(v, float) else ("text", str(v))
        self.connection.send("LOG", ident, {
            "level": level, "wall_ms": int(time.time() * 1000), "target": self.name, "message": str(message)[:65536],
            "fields": [{"name": n, "value": Case(*value(v))} for n, v in fields.items()]})


_STEPS = {"QUIESCE": Handover.quiesce, "RESUME": Handover.resume, "SAVE": Handover.save, "RESTORE": Handover.restore,
          "SAVE-OBJECT": Handover.save_object, "RESTORE-OBJECT": Handover.restore_object}


def serve(name, interfaces, *, version="", summary="", dev_only=False, calls=16, options=(), open=None, close=None,
          caller_gone=None, state=None):
    """Serves until the host closes the connection, calls `close` and returns. Then the program should end.

    calls: how many functions run at once, each on a thread; 0: as many as come. open(host): before the
    first call; to raise means that it cannot work here. caller_gone(caller): a component has ended.
    state: an object; see below. Against the protocol: what was seen goes to stderr, and the status is 1.

    state has what is handed over when another provider takes the place of this one, while components use
    it (knowledge/sidecars.md), each part only where there is something for it:

        save(interface, how)             an iterator of bytes of any length
        restore(interface, how, pieces)  takes an iterator of them, which has read(n) too, all or nothing
        copies = True                    both bear "copy" and "rest" beside "whole" as `how`
        quiesce()                        no call is under way: make durable what is held
        resume()                         calls come after all; what was noted for "rest" is not needed

    `parse(text).each(pieces)` has the values that stand in pieces. A ValueError means: no state.
    """
    if _STREAMS is None:
        print(f"error: '{name}' is a sidecar, which loop starts\n"
              "hint: name this program in loop.yaml: `bind: { INTERFACE: { sidecar: [...] } }`", file=sys.stderr)
        sys.exit(64)
    Sidecar(name, list(interfaces), calls, open, close, caller_gone, state, list(options),
            {"version": version, "summary": summary, "dev_only": dev_only}).run()
