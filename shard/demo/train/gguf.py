"""Writes and reads GGUF v3 files as far as the demo model needs them: F32 and Q8_0 tensors.

Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md. Dimensions stand in the file with the fastest
first, so a matrix [out, in] is written as (in, out).
"""
import struct

import numpy as np

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_Q8_0 = 0, 8
BLOCK = 32  # weights under one Q8_0 scale


def string(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    """A metadata value without its kind; an array is the pair (kind of its elements, list)."""
    if kind == STRING:
        return string(v)
    if kind == ARRAY:
        of, items = v
        return struct.pack("<IQ", of, len(items)) + b"".join(value(of, x) for x in items)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def q8_0(matrix):
    """Quantised rows [out, in]: for each block a float16 scale and 32 signed bytes, rounded half to even."""
    x = np.asarray(matrix, np.float32).reshape(-1, BLOCK)
    # Rounding the scale first lets the bytes make up for its error.
    scale = (np.abs(x).max(1, keepdims=True) / 127).astype(np.float16)
    wide = scale.astype(np.float32)
    q = np.rint(np.divide(x, wide, out=np.zeros_like(x), where=wide != 0)).clip(-127, 127).astype(np.int8)
    return np.concatenate((scale.view(np.uint8), q.view(np.uint8)), axis=1).tobytes()


def write(path, metadata, tensors):
    """metadata: (key, kind, value) each; tensors: (name, array), quantised where they have two dimensions."""
    head = [MAGIC, struct.pack("<IQQ", VERSION, len(tensors), len(metadata))]
    head += [string(key) + struct.pack("<I", kind) + value(kind, v) for key, kind, v in metadata]
    data, offset = [], 0
    for name, x in tensors:
        matrix = x.ndim == 2
        raw = q8_0(x) if matrix else np.asarray(x, np.float32).tobytes()
        shape = x.shape[::-1]
        head.append(string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape,
                                               TENSOR_Q8_0 if matrix else TENSOR_F32, offset))
        raw += bytes(-len(raw) % ALIGNMENT)
        data.append(raw)
        offset += len(raw)
    header = b"".join(head)
    with open(path, "wb") as f:
        f.write(header + bytes(-len(header) % ALIGNMENT) + b"".join(data))


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, form):
        out = struct.unpack_from(form, self.raw, self.at)
        self.at += struct.calcsize(form)
        return out if len(out) > 1 else out[0]

    def string(self):
        n = self.take("<Q")
        self.at += n
        return self.raw[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            of, n = self.take("<IQ")
            return [self.value(of) for _ in range(n)]
        return self.take({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind])


def read(path):
    """(metadata, tensors): a file that write made, its matrices dequantised to float32 [out, in]."""
    with open(path, "rb") as f:
        r = Reader(f.read())
    assert r.take("<4sI") == (MAGIC, VERSION), "not a GGUF v3 file"
    count, keys = r.take("<QQ")
    metadata = {}
    for _ in range(keys):
        key = r.string()
        metadata[key] = r.value(r.take("<I"))
    infos = []
    for _ in range(count):
        name, dims = r.string(), r.take("<I")
        shape = [r.take("<Q") for _ in range(dims)][::-1]
        infos.append((name, shape, *r.take("<IQ")))
    base = r.at + -r.at % ALIGNMENT
    tensors = {}
    for name, shape, kind, offset in infos:
        n = int(np.prod(shape))
        if kind == TENSOR_F32:
            x = np.frombuffer(r.raw, np.float32, n, base + offset)
        else:
            blocks = np.frombuffer(r.raw, np.uint8, n // BLOCK * (BLOCK + 2), base + offset).reshape(-1, BLOCK + 2)
            scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
            x = blocks[:, 2:].copy().view(np.int8).astype(np.float32) * scale
        tensors[name] = x.reshape(shape)
    return metadata, tensors
