"""A small flatbuffer builder: enough to write one .tflite, back to front, as the format asks."""
import struct


class Builder:
    """Bytes grow towards the front; an offset is the distance from the end of the buffer."""

    def __init__(self):
        self.data = bytearray()  # reversed chunks would be faster; these files are small
        self.align = 1

    def _prepend(self, raw):
        self.data[:0] = raw

    def _pad(self, size, extra):
        """Zeros so that after `extra` more bytes the position is a multiple of size."""
        self.align = max(self.align, size)
        self._prepend(bytes(-(len(self.data) + extra) % size))

    def vector(self, raw, count, alignment):
        """Length-prefixed vector; its first element is aligned."""
        self._pad(4, len(raw))
        self._pad(alignment, len(raw))
        self._prepend(raw)
        self._prepend(struct.pack("<I", count))
        return len(self.data)

    def numbers(self, values, code):
        size = struct.calcsize(code)
        return self.vector(struct.pack(f"<{len(values)}{code}", *values), len(values), max(4, size))

    def bytes(self, raw, alignment=16):
        return self.vector(bytes(raw), len(raw), alignment)

    def string(self, text):
        raw = text.encode()
        self._pad(4, len(raw) + 1)
        self._prepend(raw + b"\0")
        self._prepend(struct.pack("<I", len(raw)))
        return len(self.data)

    def offsets(self, targets):
        self._pad(4, 4 * len(targets))
        for target in reversed(targets):
            self._prepend(struct.pack("<I", len(self.data) + 4 - target))
        self._prepend(struct.pack("<I", len(targets)))
        return len(self.data)

    def table(self, fields):
        """fields: {index: (code, value)}; code 'o' is an offset from one of the methods above."""
        sizes = {i: 4 if code == "o" else struct.calcsize(code) for i, (code, _) in fields.items()}
        at, position = {}, 4  # the table begins with the offset of its vtable
        for i in sorted(fields, key=lambda i: -sizes[i]):
            position += -position % sizes[i]
            at[i] = position
            position += sizes[i]
        biggest = max([4, *sizes.values()])
        self._pad(biggest, position)
        start = len(self.data) + position  # offset of the table once it is written
        body = bytearray(position)
        for i, (code, value) in fields.items():
            raw = struct.pack("<I", start - at[i] - value) if code == "o" else struct.pack("<" + code, value)
            body[at[i]:at[i] + len(raw)] = raw
        slots = max(fields, default=-1) + 1
        vtable = struct.pack(f"<HH{slots}H", 4 + 2 * slots, position, *(at.get(i, 0) for i in range(slots)))
        vtable += bytes(-len(vtable) % 4)
        body[:4] = struct.pack("<i", len(vtable))
        self._prepend(body)
        self._prepend(vtable)
        return start

    def finish(self, root, identifier):
        self._pad(max(self.align, 16), 8)
        self._prepend(identifier)
        self._prepend(struct.pack("<I", len(self.data) + 4 - root))
        return bytes(self.data)
