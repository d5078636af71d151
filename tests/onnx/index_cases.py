# SPDX-License-Identifier: MIT
"""Families of operators whose data say where something is, or in what order; see check.py."""
import numpy as np

from cases import family, flip, size

# The families here whose every byte is ONNX Runtime's.
EXACT = ("top_k", "top_k_integers", "one_hot", "gather_nd", "gather_from_end",
         "gather_elements", "tile", "repeated_constant")


def axis_of(m, rank):
    return int(m.rng.integers(-rank, rank))


def few(m, shape, dtype):
    """Values of which many are equal."""
    return (m.rng.integers(-3, 4, shape) * (0.5 if dtype == np.float32 else 1)).astype(dtype)


def top_k_of(m, x, shape, dtype):
    axis = axis_of(m, len(shape))
    kept = m.constant(np.array([size(m, 1, shape[axis])], np.int64))
    attributes = {"axis": axis} if axis != -1 or flip(m) else {}
    attributes["largest"] = int(flip(m))
    values, indices = m.node("TopK", [x, kept], outputs=2, **attributes)
    if flip(m, 0.8):
        m.output(values, dtype)
    if flip(m, 0.8) or not m.outputs:
        m.output(indices, np.int64)


@family
def top_k(m):
    """Of floats, which may be functions of integers, and of integers that floats stand for."""
    shape = [size(m, 1, 6) for _ in range(size(m, 1, 5))]
    kind = m.rng.integers(0, 3)
    if kind == 0:
        x = m.input(shape)
        m.data[0] = few(m, shape, np.float32)
    else:
        x = m.real(shape)
        x = m.node("Relu", [x]) if kind == 2 else x
    top_k_of(m, x, shape, np.float32)


@family
def top_k_integers(m):
    shape = [size(m, 1, 6) for _ in range(size(m, 1, 4))]
    dtype = np.dtype(m.rng.choice([np.int32, np.int64]))
    x = m.input(shape, dtype)
    if flip(m):
        m.data[0] = few(m, shape, dtype)
    # Whose negative is no number of the type.
    m.data[0].flat[0] = np.iinfo(dtype).min
    top_k_of(m, x, shape, dtype)


@family
def top_k_unsorted(m):
    """Its order is open, so that another one, which is sorted, has to follow."""
    shape = [2, size(m, 3, 20)]
    kept = m.constant(np.array([size(m, 1, shape[1])], np.int64))
    x = m.real(shape)
    values, _ = m.node("TopK", [x, kept], outputs=2, sorted=0, largest=int(flip(m)))
    values, _ = m.node("TopK", [values, kept], outputs=2)
    m.finish(values)


@family
def top_k_after_conv(m):
    """Along the channels of a map that lies channels last."""
    x = m.node("Conv", [m.real([1, 3, 6, 6]), m.weights([8, 3, 3, 3])])
    x = m.requantise(x, m.fitting(x))
    kept = m.constant(np.array([3], np.int64))
    values, _ = m.node("TopK", [x, kept], outputs=2, axis=int(m.rng.choice([1, -1])))
    m.output(values)


def hot_indices(m, shape, depth):
    """From the end, and outside, too."""
    dtype = np.dtype(m.rng.choice([np.int64, np.float32]))
    values = m.rng.integers(-depth - 2, depth + 2, shape).astype(dtype)
    if flip(m, 0.3):
        return m.constant(values.astype(np.int64)), np.dtype(np.int64), False
    x = m.input(shape, dtype)
    m.data[-1] = values
    return x, dtype, True


@family
def one_hot(m):
    shape, depth = [size(m, 1, 5) for _ in range(size(m, 1, 3))], size(m, 1, 6)
    indices, kind, varies = hot_indices(m, shape, depth)
    # ONNX Runtime has few combinations of types.
    dtype = np.dtype(np.float32) if kind == np.float32 else \
        np.dtype(m.rng.choice([np.int64, np.float32]))
    numbers = np.array([0, 1] if flip(m) else [-2, 3], dtype)
    if not varies or flip(m, 0.3):
        values = m.input([2], dtype)
        m.data[-1] = numbers
    else:
        values = m.constant(numbers)
    number = np.array(depth if flip(m) else [depth], kind)
    m.output(m.node("OneHot", [indices, m.constant(number), values],
                    axis=axis_of(m, len(shape) + 1)), dtype)


@family
def one_hot_bytes(m):
    """A QuantizeLinear reads it."""
    indices = m.input([size(m), size(m)], np.int64)
    m.data[0] = m.rng.integers(-1, 6, m.data[0].shape)
    values = m.constant(np.array([-1.5, 2], np.float32))
    x = m.node("OneHot", [indices, m.constant(np.int64(5)), values])
    x = m.node("Relu", [x]) if flip(m) else x
    m.finish(x)


def source_of(m, shape):
    """What elements are taken from: floats, integers that floats stand for, or a constant."""
    kind = m.rng.integers(0, 4)
    if kind == 0:
        return m.constant(m.rng.normal(0, 1, shape).astype(np.float32))
    if kind == 1:
        return m.weights(shape)
    return m.real(shape) if kind == 2 else m.input(shape)


def given(m, values):
    """Indices as a constant or as an input; something has to be an input."""
    if flip(m, 0.4) and m.inputs:
        return m.constant(values)
    x = m.input(list(values.shape), np.int64)
    m.data[-1] = values
    return x


@family
def gather_nd(m):
    shape = [size(m, 1, 5) for _ in range(size(m, 1, 4))]
    batch = size(m, 0, len(shape) - 1)
    depth = size(m, 1, len(shape) - batch)
    lead = shape[:batch] + [size(m, 1, 4) for _ in range(size(m, 0, 2))]
    values = np.stack([m.rng.integers(-shape[batch + d], shape[batch + d], lead)
                       for d in range(depth)], axis=-1).astype(np.int64)
    attributes = {"batch_dims": batch} if batch or flip(m) else {}
    m.output(m.node("GatherND", [source_of(m, shape), given(m, values)], **attributes))


@family
def gather_from_end(m):
    shape = [size(m, 1, 5) for _ in range(size(m, 1, 4))]
    axis = axis_of(m, len(shape))
    taken = [size(m, 1, 4) for _ in range(size(m, 0, 2))]
    values = np.asarray(m.rng.integers(-shape[axis], shape[axis], taken), np.int64)
    x = m.input(taken, np.int64)
    m.data[-1] = values
    m.output(m.node("Gather", [source_of(m, shape), x], axis=axis))


@family
def gather_elements(m):
    shape = [size(m, 1, 5) for _ in range(size(m, 1, 4))]
    axis = axis_of(m, len(shape))
    taken = [size(m, 1, extent) for extent in shape]
    taken[axis] = size(m, 1, 7)
    values = m.rng.integers(-shape[axis], shape[axis], taken).astype(np.int64)
    m.output(m.node("GatherElements", [source_of(m, shape), given(m, values)], axis=axis))


@family
def tile(m):
    shape = [size(m, 1, 5) for _ in range(size(m, 1, 4))]
    if flip(m, 0.3):
        shape = [1, size(m), size(m, 2), size(m, 2)]
        x = m.node("MaxPool", [m.real(shape)], kernel_shape=[2, 2])
    else:
        x = m.real(shape) if flip(m, 0.7) else m.input(shape)
    repeats = m.constant(np.array([size(m, 1, 3) for _ in shape], np.int64))
    x = m.node("Tile", [x, repeats])
    m.output(x)


@family
def tile_bytes(m):
    x = m.real([1, size(m), size(m), size(m)])
    m.finish(m.node("Tile", [x, m.constant(np.array([1, 2, 1, 3], np.int64))]))


@family
def repeated_constant(m):
    """A shape that is put together of repeated parts."""
    x = m.input([2, 2, 2, size(m)])
    part = m.node("Tile", [m.constant(np.array([2], np.int64)),
                           m.constant(np.array([2], np.int64))])
    rest = m.node("Expand", [m.constant(np.array([-1], np.int64)),
                             m.constant(np.array([1], np.int64))])
    m.output(m.node("Reshape", [x, m.node("Concat", [part, rest], axis=0)]))
