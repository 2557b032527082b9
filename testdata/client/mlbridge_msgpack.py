"""The msgpack subset of the mlbridge protocol, by hand (PROTOCOL.md, section 4).

After the specification, sharing no code with the Go side; standard library only. Writing picks the
shortest form; reading takes every form that section 4 lists and raises Fault with
the name of section 10 for everything else.
"""

import struct

U8, U16, U32 = (1 << 8) - 1, (1 << 16) - 1, (1 << 32) - 1
U31, U63, U64 = (1 << 31) - 1, (1 << 63) - 1, (1 << 64) - 1
NEVER = U64  # "has not happened" in the two millisecond fields

MAX_LEVELS = 16  # deeper extra elements are refused; 8 must be read


class Fault(Exception):
    """A broken rule of framing, envelope or encoding, by its name in section 10."""

    def __init__(self, name, text=""):
        super().__init__(f"{name}: {text}" if text else name)
        self.name = name


def f32_bits(m, k):
    """The bits of the f32 nearest to m * 2**-k, with integers alone (section 14)."""
    if m == 0:
        return 0
    p = m.bit_length() - 1
    e = p - k + 127
    if p <= 23:
        q = m << (23 - p)
    else:
        s = p - 23
        rest, half = m & ((1 << s) - 1), 1 << (s - 1)
        q = m >> s
        if rest > half or (rest == half and q & 1):
            q += 1
        if q >> 24:
            q >>= 1
            e += 1
    return e << 23 | q & 0x7FFFFF


# ---- writing


def write_uint(v):
    if not 0 <= v <= U64:
        raise ValueError(f"{v} is no u64")
    if v < 0x80:
        return bytes([v])
    for code, width, top in ((0xCC, 1, U8), (0xCD, 2, U16), (0xCE, 4, U32), (0xCF, 8, U64)):
        if v <= top:
            return bytes([code]) + v.to_bytes(width, "big")
    raise AssertionError


def write_int(v):
    if v >= 0:
        return write_uint(v)
    if v < -32:
        raise ValueError(f"{v}: the only signed field is the trend")
    return bytes([v & 0xFF])


def write_f32(v):
    """v is a number, or an int of 32 bits wrapped in Bits."""
    if isinstance(v, Bits):
        return b"\xca" + v.value.to_bytes(4, "big")
    return b"\xca" + struct.pack(">f", v)


class Bits:
    """An f32 given by its bits, as a kernel without an FPU has it."""

    def __init__(self, value):
        self.value = value


def write_str(s):
    raw = s.encode() if isinstance(s, str) else s
    n = len(raw)
    if n < 32:
        return bytes([0xA0 | n]) + raw
    if n <= U8:
        return b"\xd9" + bytes([n]) + raw
    return b"\xda" + n.to_bytes(2, "big") + raw


def write_array(n):
    return bytes([0x90 | n]) if n < 16 else b"\xdc" + n.to_bytes(2, "big")


NIL = b"\xc0"


# ---- reading


class Reader:
    """Walks the payload of one frame."""

    def __init__(self, payload):
        self.b = payload
        self.at = 0

    def left(self):
        return len(self.b) - self.at

    def take(self, n):
        if self.left() < n:
            raise Fault("truncated", f"need {n} bytes, have {self.left()}")
        self.at += n
        return self.b[self.at - n : self.at]

    def number(self, width, signed=False):
        return int.from_bytes(self.take(width), "big", signed=signed)

    def peek_nil(self):
        """Consumes a nil, if that is what comes next."""
        if self.left() and self.b[self.at] == 0xC0:
            self.at += 1
            return True
        return False

    def integer(self, low, high):
        c = self.take(1)[0]
        if c < 0x80:
            v = c
        elif c >= 0xE0:
            v = c - 256
        elif 0xCC <= c <= 0xCF:
            v = self.number(1 << (c - 0xCC))
        elif 0xD0 <= c <= 0xD3:
            v = self.number(1 << (c - 0xD0), signed=True)
        else:
            raise Fault("wrong-type", f"byte {c:#04x} is no integer")
        if not low <= v <= high:
            raise Fault("out-of-range", f"{v} is outside {low}..{high}")
        return v

    def f32(self):
        if not self.left():
            raise Fault("truncated")
        c = self.b[self.at]
        if c == 0xCA:
            self.at += 1
            v = struct.unpack(">f", self.take(4))[0]
        elif c == 0xCB:
            self.at += 1
            wide = struct.unpack(">d", self.take(8))[0]
            try:
                v = struct.unpack(">f", struct.pack(">f", wide))[0]
            except OverflowError:
                raise Fault("out-of-range", "too large for 32 bits") from None
        else:
            try:
                v = struct.unpack(">f", struct.pack(">f", self.integer(-(1 << 63), U64)))[0]
            except OverflowError:
                raise Fault("out-of-range", "too large for 32 bits") from None
        if v != v or v in (float("inf"), float("-inf")):
            raise Fault("out-of-range", "not finite")
        return v

    def length(self, size, top):
        """Checks an announced length: against the bytes left, then the limit."""
        if size > self.left():
            raise Fault("truncated", f"{size} announced, {self.left()} left")
        if size > top:
            raise Fault("too-long", f"{size}, at most {top}")
        return size

    def string(self, top):
        c = self.take(1)[0]
        if 0xA0 <= c <= 0xBF:
            n = c & 0x1F
        elif 0xD9 <= c <= 0xDB:
            n = self.number(1 << (c - 0xD9))
        else:
            raise Fault("wrong-type", f"byte {c:#04x} is no string")
        return self.take(self.length(n, top)).decode(errors="surrogateescape")

    def array(self, top=U32):
        c = self.take(1)[0]
        if 0x90 <= c <= 0x9F:
            n = c & 0x0F
        elif c in (0xDC, 0xDD):
            n = self.number(2 if c == 0xDC else 4)
        else:
            raise Fault("wrong-type", f"byte {c:#04x} is no array")
        return self.length(n, top)

    def tuple(self, least):
        """The header of an array whose elements have names: at least that many."""
        n = self.array()
        if n < least:
            raise Fault("missing-element", f"{n} elements, at least {least}")
        return n

    def skip_extra(self, n, known):
        for _ in range(known, n):
            self.skip()

    def skip(self, level=0):
        """Passes over one value of any type."""
        c = self.take(1)[0]
        inside, size = 0, 0
        if c < 0x80 or c >= 0xE0 or c in (0xC0, 0xC2, 0xC3):
            pass
        elif c < 0x90:
            inside = 2 * (c & 0x0F)
        elif c < 0xA0:
            inside = c & 0x0F
        elif c < 0xC0:
            size = c & 0x1F
        elif c in (0xDC, 0xDD):
            inside = self.number(2 if c == 0xDC else 4)
        elif c in (0xDE, 0xDF):
            inside = 2 * self.number(2 if c == 0xDE else 4)
        elif c in (0xC4, 0xC5, 0xC6):
            size = self.number(1 << (c - 0xC4))
        elif c in (0xD9, 0xDA, 0xDB):
            size = self.number(1 << (c - 0xD9))
        elif c in (0xC7, 0xC8, 0xC9):
            size = self.number(1 << (c - 0xC7)) + 1
        elif 0xD4 <= c <= 0xD8:
            size = 1 + (1 << (c - 0xD4))
        elif c in FIXED:
            size = FIXED[c]
        else:
            raise Fault("wrong-type", f"byte {c:#04x} starts no value")
        self.take(self.length(size, U64))
        self.length(inside, U64)
        if level >= MAX_LEVELS and (0x80 <= c <= 0x9F or 0xDC <= c <= 0xDF):
            raise Fault("too-deep")
        for _ in range(inside):
            self.skip(level + 1)

    def end(self):
        if self.left():
            raise Fault("trailing-bytes", f"{self.left()} bytes")


FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
