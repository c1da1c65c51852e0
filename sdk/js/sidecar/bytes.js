/*
 * Bytes to read and to write, and the numbers in them (LEB128). What they mean is in types.js.
 *
 * Nothing that is read is believed: each length is compared with what is there.
 */
const ELSEWHERE = 0xffffffff; // the length that says: in the shared memory
const MOST_TOGETHER = 128 << 20; // bytes that the references of one message may ask for

/** Bytes that are not what their type says. */
export class Malformed extends Error {}

/** Bytes that end too early: at least `missing` more are needed. */
export class Short extends Malformed {
    constructor(message, missing) {
        super(message);
        this.missing = missing;
    }
}

/** Bytes to read from. `peer` knows handles and the shared memory. */
export class Reader {
    constructor(data, peer) {
        this.data = data;
        this.at = 0;
        this.peer = peer;
        this.referred = 0;
    }

    byte() {
        if (this.at >= this.data.length) throw new Short("the bytes end within a value", 1);
        return this.data[this.at++];
    }

    take(n) {
        const left = this.data.length - this.at;
        if (n > left) throw new Short(`${n} bytes are said to follow, ${left} do`, n - left);
        this.at += n;
        return this.data.subarray(this.at - n, this.at);
    }

    /** Up to 32 bits. */
    unsigned(bits) {
        let value = 0, scale = 1, shift = 0, byte;
        do {
            if (shift >= bits) throw new Malformed(`a number is too long for u${bits}`);
            byte = this.byte();
            value += (byte & 0x7f) * scale;
            scale *= 128;
            shift += 7;
        } while (byte > 0x7f);
        if (value >= 2 ** bits) throw new Malformed(`${value} is too large for u${bits}`);
        return value;
    }

    signed(bits) {
        let value = 0, scale = 1, shift = 0, byte;
        do {
            if (shift >= bits) throw new Malformed(`a number is too long for s${bits}`);
            byte = this.byte();
            value += (byte & 0x7f) * scale;
            scale *= 128;
            shift += 7;
        } while (byte > 0x7f);
        if (byte & 0x40) value -= scale;
        if (value < -(2 ** (bits - 1)) || value >= 2 ** (bits - 1))
            throw new Malformed(`${value} does not fit s${bits}`);
        return value;
    }

    /** 64 bits, as a bigint. */
    long(signed) {
        let value = 0n, shift = 0n, byte;
        do {
            if (shift >= 64n) throw new Malformed("a number is too long for 64 bits");
            byte = this.byte();
            value |= BigInt(byte & 0x7f) << shift;
            shift += 7n;
        } while (byte > 0x7f);
        if (signed && byte & 0x40) value -= 1n << shift;
        if (value !== (signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)))
            throw new Malformed(`${value} has more than 64 bits`);
        return value;
    }

    /** The bytes of a string or a list<u8>, wherever they are. */
    chunk() {
        const n = this.unsigned(32);
        if (n !== ELSEWHERE) return this.take(n);
        const offset = this.unsigned(32), length = this.unsigned(32);
        if (!this.peer?.fetch) throw new Malformed("a reference into shared memory, and there is none");
        this.referred += length;
        if (this.referred > MOST_TOGETHER)
            throw new Malformed("the values of a call take more than 128 MiB");
        return this.peer.fetch(offset, length);
    }
}

/** Bytes that grow. */
export class Writer {
    constructor(peer) {
        this.data = Buffer.allocUnsafe(256);
        this.at = 0;
        this.peer = peer;
    }

    room(n) {
        if (this.at + n <= this.data.length) return;
        const more = Buffer.allocUnsafe(Math.max(this.data.length * 2, this.at + n));
        this.data.copy(more, 0, 0, this.at);
        this.data = more;
    }

    byte(b) {
        if (this.at === this.data.length) this.room(1);
        this.data[this.at++] = b;
    }

    unsigned(value) {
        while (value > 0x7f) {
            this.byte((value % 128) | 0x80);
            value = Math.floor(value / 128);
        }
        this.byte(value);
    }

    /** A whole number, signed: the fewest bytes. */
    signed(value) {
        while (value < -64 || value > 63) {
            const low = ((value % 128) + 128) % 128;
            this.byte(low | 0x80);
            value = (value - low) / 128;
        }
        this.byte(value & 0x7f);
    }

    long(value, signed) {
        while (signed ? value < -64n || value > 63n : value > 0x7fn) {
            this.byte(Number(value & 0x7fn) | 0x80);
            value >>= 7n;
        }
        this.byte(Number(value & 0x7fn));
    }

    chunk(bytes) {
        const place = bytes.length >= 65536 ? this.peer?.place?.(bytes) : undefined;
        if (place !== undefined) {
            this.unsigned(ELSEWHERE);
            this.unsigned(place);
            this.unsigned(bytes.length);
            return;
        }
        this.unsigned(bytes.length);
        this.room(bytes.length);
        this.data.set(bytes, this.at);
        this.at += bytes.length;
    }

    string(text) {
        const n = Buffer.byteLength(text);
        if (n >= 65536) return this.chunk(Buffer.from(text));
        this.unsigned(n);
        this.room(n);
        this.at += this.data.write(text, this.at, "utf8");
    }

    done() {
        return this.data.subarray(0, this.at);
    }
}
