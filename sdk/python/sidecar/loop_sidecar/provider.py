"""What an author meets: errors, options, interfaces, callers and calls. The conversation is in sidecar.py."""

import re
import threading
import time

from .types import parse_function

_UNITS = {
    "size": {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9},
    "duration": {"ms": 1, "s": 1000, "m": 60000, "h": 3600000},
}


class Fault(Exception):
    """An error that no component can handle: it ends the one that called. Codes: PROTOCOL.md."""

    def __init__(self, code, *messages, hint=None):
        super().__init__(": ".join(messages))
        self.code, self.messages, self.hint = code, messages, hint

    def to_wire(self):
        def cut(text):
            return text.encode(errors="replace")[:4096].decode(errors="ignore")
        return {"code": self.code, "messages": [cut(m) for m in self.messages[:16]] or ["it failed"],
                "hint": self.hint and cut(self.hint)}


def fault_of(why, doing):
    return why if isinstance(why, Fault) else Fault("internal", doing, str(why) or type(why).__name__)


class Option:
    """What a sidecar may be told in loop.yaml; the rows of loop_provider_option in loop/provider.h."""

    def __init__(self, name, type="string", fallback=None, help="", values=()):
        self.name, self.type, self.fallback, self.help, self.values = name, type, fallback, help, values

    def to_wire(self):
        return {"name": self.name, "type": self.type, "values": "|".join(self.values),
                "fallback": self.fallback, "help": self.help}

    def value(self, text):
        """What the text says: an int of a number, of bytes, of milliseconds; a bool; the text."""
        if self.type == "bool":
            return text == "true"
        if self.type not in ("number", "size", "duration"):
            return text
        digits, unit = re.fullmatch(r"(\d+)(.*)", text).groups()
        return int(digits) * (_UNITS[self.type][unit] if self.type in _UNITS else 1)


class Row:
    def __init__(self, name, text, run):
        self.name, self.type, self.run = name, parse_function(text), run


class Resource:
    """What to do with the objects of a resource: drop(object); and, for one that another provider can go on
    with, save(object), which answers its state as bytes, at most 64 KiB, and restore(bytes), the object."""

    def __init__(self, drop=None, save=None, restore=None):
        self.drop, self.save, self.restore = drop, save, restore


class Interface:
    """An interface that is served. `resources`: their names, or {name: what to do with a dropped object}, or
    {name: Resource}."""

    def __init__(self, name, resources=()):
        self.name, _, self.version = name.partition("@")
        self.rows, self.places = [], {}
        self.resources = list(resources)
        hooks = [resources[r] if isinstance(resources, dict) else None for r in self.resources]
        self.hooks = [h if isinstance(h, Resource) else Resource(drop=h) for h in hooks]

    def function(self, type, name=None):
        """Decorates a function, which gets a Call and its arguments. Its name is that of WIT, with _ for -."""
        def decorate(run):
            self._add(name or run.__name__.replace("_", "-"), type, run)
            return run
        return decorate

    def passes(self, name, type):
        """A function that is not implemented: calls go to the next of the chain, `call.next` may name it."""
        self._add(name, type, None)

    def _add(self, name, text, run):
        self.places[name] = len(self.rows)
        self.rows.append(Row(name, text, run))

    def to_wire(self):
        return {"name": self.name, "version": self.version, "resources": self.resources, "functions": [
            {"name": r.name, "type": r.type.text, "implemented": r.run is not None} for r in self.rows]}


class Caller:
    """A component instance: component, identity, instance, storage (bytes granted), storage_why."""

    def __init__(self, record):
        self.__dict__.update(record)


class Host:
    """What `open` gets: `name` of the host, `options` by name, their `texts`, `log`."""

    def __init__(self, sidecar, name, options, texts):
        self._sidecar, self.name, self.options, self.texts = sidecar, name, options, texts

    def log(self, level, message, **fields):
        """An entry of loop's log: level is one of trace, debug, info, warn, error."""
        self._sidecar.log(level, message, fields, 0)


class Call:
    """What a function gets before its arguments. `deadline`: on time.monotonic(), None for none."""

    def __init__(self, sidecar, ident, caller, interface, place, row, deadline):
        self._sidecar, self.id, self.caller = sidecar, ident, caller
        self.interface, self.place, self.row = interface, place, row
        self.deadline = time.monotonic() + deadline / 1000 if deadline else None
        self.cancelled = None  # or (why, milliseconds that are left): answer soon, with what is sensible
        self._event = None

    def wait(self, seconds=None):
        """Sleeps until the call is cancelled, or so long; whether it was cancelled."""
        with self._sidecar.lock:
            self._event = self._event or threading.Event()
        return self.cancelled is not None or self._event.wait(seconds)

    def cancel(self, why, left):
        self.cancelled = self.cancelled or (why, left)
        with self._sidecar.lock:
            event = self._event
        if event:
            event.set()

    def next(self, name, *args):
        """Asks the next provider of the chain for any function of the same interface.

        Raises Err, or a Fault: `unavailable` at the end of the chain.
        """
        return self._sidecar.ask(self, name, args).result()

    def next_later(self, name, *args):
        """The same without waiting: an object with `result()` and `cancel(why, left)`."""
        return self._sidecar.ask(self, name, args)

    def log(self, level, message, **fields):
        """An entry of loop's log, which belongs to this call."""
        self._sidecar.log(level, message, fields, self.id)
