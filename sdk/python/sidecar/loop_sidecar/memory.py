"""Handles and the shared memory: what a value may refer to.

Numbers of handles are never given twice, so one that was dropped means nothing, ever.
"""

import mmap
import threading

from .wire import Malformed


class Remote:
    """An object behind the host: a handle that `call.next` answered. Pass it on, or drop() it."""

    def __init__(self, resource, handle, drop=None):
        self.resource, self.handle, self._drop = resource, handle, drop

    def drop(self):
        """Gives it back. One that was passed on, or lent to a call, is not ours to drop."""
        drop, self._drop = self._drop, None
        if drop:
            drop(self)

    @property
    def owned(self):
        return self._drop is not None


class Table:
    """The objects of one resource that components hold. Threads: any."""

    def __init__(self):
        self.objects, self.next, self.lock = {}, 1, threading.Lock()

    def add(self, thing):
        with self.lock:
            n, self.next = self.next, self.next + 2
        self.objects[n] = thing
        return n

    def get(self, n):
        try:
            return self.objects[n]
        except KeyError:
            raise Malformed(f"the handle {n} is not held") from None

    def remove(self, n):
        try:
            return self.objects.pop(n)
        except KeyError:
            raise Malformed(f"the handle {n} is not held") from None


class Shared:
    """The memory behind LOOP_SIDECAR_FD. The lower half is read, the upper half is given out."""

    def __init__(self, fd, size):
        self.map, self.half, self.end = mmap.mmap(fd, size), size // 2, size
        self.lock, self.taken = threading.Lock(), []  # (offset, length, key), by offset

    def fetch(self, offset, length):
        if offset + length > self.half:
            raise Malformed("a reference outside of the host's memory")
        return self.map[offset:offset + length]

    def place(self, key, data):
        """Copies `data` to where there is room; None: there is none."""
        with self.lock:
            at, i = self.half, 0
            for i, (offset, length, _) in enumerate(self.taken):
                if offset - at >= len(data):
                    break
                at = offset + length
            else:
                i = len(self.taken)
            if self.end - at < len(data):
                return None
            self.taken.insert(i, (at, len(data), key))
        self.map[at:at + len(data)] = data
        return at

    def free(self, key):
        with self.lock:
            self.taken = [t for t in self.taken if t[2] != key]


class Peer:
    """What one value is read or written with; see types.py.

    `sidecar` has `tables` (resource -> Table) and `shared`; `key` names what is placed in the shared
    memory; `remote_only`: the arguments of a NEXT.
    """

    def __init__(self, sidecar, key, remote_only=False):
        self.sidecar, self.key, self.remote_only = sidecar, key, remote_only
        self.given = []  # (Table, number) of what is handed out
        self.taken = []  # (resource, object) of what came as own
        self.passing = []  # Remotes that go with the value
        self.referred = False

    def fetch(self, offset, length):
        if not self.sidecar.shared:
            raise Malformed("a reference into shared memory, and there is none")
        self.referred = True
        return self.sidecar.shared.fetch(offset, length)

    def place(self, data):
        return self.sidecar.shared.place(self.key, data) if self.sidecar.shared else None

    def give(self, kind, resource, thing):
        if isinstance(thing, Remote):
            if thing.resource != resource:
                raise ValueError(f"a {thing.resource} is no {resource}")
            if kind == "own":
                if not thing.owned:
                    raise ValueError(f"this {resource} is not ours to pass on")
                self.passing.append(thing)
            return thing.handle
        if self.remote_only:
            raise ValueError(f"a {resource} that lives here cannot be passed to the next provider")
        if kind != "own" or thing is None:
            raise ValueError(f"{thing!r} is no {resource}")
        table = self.sidecar.tables[resource]
        n = table.add(thing)
        self.given.append((table, n))
        return n

    def take(self, kind, resource, n):
        if n % 2 == 0:
            return Remote(resource, n, self.sidecar.drop_remote if kind == "own" else None)
        table = self.sidecar.tables[resource]
        if kind == "borrow":
            return table.get(n)
        thing = table.remove(n)
        self.taken.append((resource, thing))
        return thing

    def sent(self):
        """The value went out."""
        for remote in self.passing:
            remote._drop = None

    def undo(self):
        """The value did not go out after all."""
        for table, n in self.given:
            table.objects.pop(n, None)
        if self.sidecar.shared:
            self.sidecar.shared.free(self.key)
