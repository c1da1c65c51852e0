"""What is handed over when another provider takes the place of this one, or this one that of another:
QUIESCE, SAVE, RESTORE and their like of sidecar/PROTOCOL.md, one at a time.

A state is never in memory as a whole. What goes out is gathered to pieces of 64 KiB, and the author's
generator is asked for more when one has been sent. What comes in is given back to the host's credit as
the author takes it, so that the host waits for the author.
"""

import queue
import sys
import threading
import traceback

from .frames import Broken, Closed
from .provider import Fault, fault_of
from .types import parse

_GATHERED, _LARGEST_OBJECT = 64 << 10, 64 << 10
_HANDLE = parse("u64")


class Incoming:
    """The pieces of a state that comes: an iterator of bytes, and a file to read() from."""

    def __init__(self, ident, of_object, connection):
        self.id, self.of_object, self.connection = ident, of_object, connection
        self.pieces, self.lock = queue.SimpleQueue(), threading.Lock()
        self.complete = self.unwanted = self.ended = False  # the last frame came; nobody reads it; was read
        self.rest = b""

    # --- the reading thread

    def add(self, piece, more):
        if self.complete:
            raise Broken("STATE behind its last frame")
        self.complete = not more
        with self.lock:
            if not self.unwanted:
                return self.pieces.put((piece, more))
        self.connection.give_back(len(piece))
        return self.pieces.put((b"", more))

    def close(self):
        """The connection has ended."""
        self.pieces.put((None, False))

    # --- the thread that restores

    def __iter__(self):
        return self

    def __next__(self):
        if self.rest:
            piece, self.rest = self.rest, b""
            return piece
        while not self.ended:
            piece, more = self.pieces.get()
            if piece is None:
                raise Closed()
            self.ended = not more
            self.connection.give_back(len(piece))
            if piece:
                return piece
        raise StopIteration

    def read(self, n=-1):
        """`n` bytes, fewer only at the end; all that is left without `n`."""
        found = bytearray()
        while n < 0 or len(found) < n:
            piece = next(self, None)
            if piece is None:
                break
            found += piece
        if 0 <= n < len(found):
            self.rest = bytes(found[n:])
        return bytes(found[:n] if n >= 0 else found)

    def leave(self):
        """What is left is thrown away as it comes."""
        with self.lock:
            self.unwanted = True
        while not self.pieces.empty():
            piece, more = self.pieces.get()
            self.connection.give_back(len(piece or b""))
            self.ended = not more

    def end(self):
        """When the last frame has come, read or not."""
        for _ in self:
            pass


class Handover:
    def __init__(self, sidecar, state):
        self.sidecar, self.state = sidecar, state
        moves = any(h.save or h.restore for i in sidecar.interfaces for h in i.hooks)
        self.capabilities = ["state"] if state or moves else []
        if getattr(state, "copies", False):
            self.capabilities.append("state-copy")
        self.agreed = ()  # capabilities
        self.step = self.incoming = None  # the id of the one that is under way; the last RESTORE
        self.cancelled = False

    def close(self):
        """The connection has ended: who waits for a piece sees it."""
        if self.incoming:
            self.incoming.close()

    # --- frames of the host: the reading thread

    def quiesce(self, ident, _):
        def work():
            self.sidecar.wait_until_quiet()
            self._hook("quiesce")
        self._begin(ident, "come to rest", work)

    def resume(self, *_):
        self._check("RESUME")
        self.sidecar.before_calls(self._resumed)

    def _resumed(self):
        try:
            self._hook("resume")
        except Exception:  # nobody is there to be told
            traceback.print_exc()

    def save(self, ident, value):
        i, how = value

        def work():
            name = self._interface(i, how).name
            self._send(ident, self._hook("save", name, how) or ())
        self._begin(ident, f"save {self._name(i)}", work)

    def restore(self, ident, value):
        i, how = value

        def work(incoming):
            name = self._interface(i, how).name
            if not hasattr(self.state, "restore"):
                raise Fault("invalid", f"nothing of {name} is kept here")
            self.state.restore(name, how, incoming)
            incoming.end()  # the answer is behind it
        self._receive(ident, f"restore {self._name(i)}", work)

    def save_object(self, ident, value):
        i, r, handle = value

        def work():
            name, table, hooks = self._resource(i, r)
            if handle not in table.objects:
                raise Fault("invalid", f"the handle {handle} of {name} is not held")
            if not hooks.save:
                raise Fault("unavailable", f"a {name} cannot be moved")
            data = bytes(hooks.save(table.get(handle)))
            if len(data) > _LARGEST_OBJECT:
                raise Fault("limit", f"this {name} is {len(data)} bytes, of {_LARGEST_OBJECT}")
            self.sidecar.connection.send("STATE", ident, tail=data)
        self._begin(ident, "save an object", work)

    def restore_object(self, ident, value):
        def work(incoming):
            name, table, hooks = self._resource(*value)
            if not hooks.restore:
                raise Fault("unavailable", f"a {name} cannot be moved here")
            thing = hooks.restore(incoming.read())
            if thing is None:
                raise TypeError(f"None is no {name}")
            return _HANDLE.encode(table.add(thing))
        self._receive(ident, "restore an object", work, of_object=True)

    def state_came(self, ident, payload, more):
        to = self.incoming
        if not to or to.id != ident:
            raise Broken(f"a STATE that nobody waits for, {ident}")
        if to.of_object and (more or len(payload) > _LARGEST_OBJECT):
            raise Broken(f"the state of an object in pieces, or of {len(payload)} bytes")
        to.add(payload, more)

    def cancel(self, ident):
        """CANCEL of a SAVE."""
        if ident == self.step:
            self.cancelled = True

    # --- steps

    def _check(self, what):
        if "state" not in self.agreed:
            raise Broken(f"{what} without the capability")

    def _name(self, i):
        return self.sidecar.interfaces[i].name if i < len(self.sidecar.interfaces) else f"interface {i}"

    def _interface(self, i, how):
        if i >= len(self.sidecar.interfaces):
            raise Fault("invalid", f"there is no interface {i}")
        if how != "whole" and "state-copy" not in self.agreed:
            raise Fault("invalid", f"the pass is {how}, and 'state-copy' was not agreed")
        return self.sidecar.interfaces[i]

    def _resource(self, i, r):
        if i >= len(self.sidecar.interfaces) or r >= len(self.sidecar.interfaces[i].resources):
            raise Fault("invalid", f"there is no resource {r} of interface {i}")
        interface = self.sidecar.interfaces[i]
        name = f"{interface.name}.{interface.resources[r]}"
        return name, self.sidecar.tables[name], interface.hooks[r]

    def _hook(self, name, *args):
        hook = getattr(self.state, name, None)
        return hook and hook(*args)

    def _receive(self, ident, what, work, of_object=False):
        incoming = Incoming(ident, of_object, self.sidecar.connection)
        self._begin(ident, what, lambda: work(incoming), incoming)

    def _begin(self, ident, what, work, incoming=None):
        self._check(f"to {what}")
        if ident % 2 or not ident:
            raise Broken(f"a step with the id {ident}")
        if self.step is not None:
            raise Broken(f"to {what}, while another step is under way")
        self.step, self.cancelled = ident, False
        if incoming:
            self.incoming = incoming
        self.sidecar.do(lambda: self._run(ident, what, work, incoming))

    def _run(self, ident, what, work, incoming):
        answer, fault = b"", None
        try:
            self.sidecar.drain()
            answer = work() or b""
        except Closed:
            return
        except Fault as why:
            fault = why
        except Exception as why:
            traceback.print_exc()
            sys.stderr.flush()
            # ValueError: Malformed, and what json and struct say of bytes that they cannot read.
            unread = incoming and isinstance(why, ValueError)
            fault = Fault("invalid", f"cannot {what}", str(why)) if unread else fault_of(why, f"cannot {what}")
        if fault and incoming:
            incoming.leave()
        self.step = None  # the next one may come as soon as the answer is out
        try:
            if fault:
                self.sidecar.connection.send("FAULT", ident, fault.to_wire())
            else:
                self.sidecar.connection.send("RESULT", ident, tail=answer)
        except Closed:
            pass

    def _send(self, ident, pieces):
        """Pieces as STATE, gathered."""
        gathered = bytearray()
        for piece in pieces:
            gathered += piece
            while len(gathered) >= _GATHERED:
                self.sidecar.connection.send("STATE", ident, tail=bytes(gathered[:_GATHERED]), more=True)
                del gathered[:_GATHERED]
                if self.cancelled:
                    raise Fault("cancelled", "the host has given it up")
        if gathered:
            self.sidecar.connection.send("STATE", ident, tail=bytes(gathered), more=True)
        self.sidecar.connection.send("STATE", ident)  # the end
