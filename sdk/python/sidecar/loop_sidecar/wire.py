"""Bytes to read and to write, and the numbers in them (LEB128). What they mean is in types.py.

Nothing that is read is believed: each length is compared with what is there.
"""

ELSEWHERE = 0xFFFFFFFF  # the length that says: in the shared memory
MOST_TOGETHER = 128 << 20  # bytes that references of one message may ask for


class Malformed(ValueError):
    """Bytes that are not what their type says."""


class Short(Malformed):
    """Bytes that end too early: at least `missing` more are needed."""

    def __init__(self, message, missing):
        super().__init__(message)
        self.missing = missing


class Reader:
    """Bytes and how far they were read. `peer` knows handles and the shared memory."""

    __slots__ = ("data", "at", "end", "peer", "referred")

    def __init__(self, data, peer=None, at=0):
        self.data, self.at, self.end, self.peer = data, at, len(data), peer
        self.referred = 0

    def byte(self):
        at = self.at
        if at >= self.end:
            raise Short("the bytes end within a value", 1)
        self.at = at + 1
        return self.data[at]

    def take(self, n):
        at = self.at
        if n > self.end - at:
            raise Short(f"{n} bytes are said to follow, {self.end - at} do", n - (self.end - at))
        self.at = at + n
        return self.data[at:at + n]

    def unsigned(self, bits):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise Malformed(f"a number is too long for u{bits}")
        if value >> bits:
            raise Malformed(f"{value} is too large for u{bits}")
        return value

    def signed(self, bits):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise Malformed(f"a number is too long for s{bits}")
        if byte & 0x40:
            value -= 1 << shift
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise Malformed(f"{value} does not fit s{bits}")
        return value

    def chunk(self):
        """The bytes of a string or a list<u8>, wherever they are."""
        n = self.unsigned(32)
        if n != ELSEWHERE:
            return self.take(n)
        if self.peer is None:
            raise Malformed("a reference into shared memory, and there is none")
        offset, n = self.unsigned(32), self.unsigned(32)
        self.referred += n
        if self.referred > MOST_TOGETHER:
            raise Malformed("the values of a call take more than 128 MiB")
        return self.peer.fetch(offset, n)


def put_unsigned(out, value):
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def put_chunk(out, data, peer):
    place = peer.place(data) if peer is not None and len(data) >= 65536 else None
    if place is not None:
        put_unsigned(out, ELSEWHERE)
        put_unsigned(out, place)
    put_unsigned(out, len(data))
    if place is None:
        out += data
