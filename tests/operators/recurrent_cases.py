# SPDX-License-Identifier: MIT
"""Random cases of recurrent layers."""
from cases import constant, family, scale_of, zero_of
from model import Case, Tensor

# Of the gates, Q3.12.
GATE_SCALE = 2.0 ** -12
TANH = 4


def state(shape, dtype, scale=None, zero_point=0):
    tensor = Tensor(shape, dtype, scale, zero_point)
    tensor.is_state = True
    return tensor


def weights(rng, shape, dtype):
    import numpy
    if dtype == "float32":
        return Tensor(shape, dtype, data=(rng.standard_normal(shape) * 0.4).astype("float32"))
    tensor = constant(rng, Tensor(shape, "int8", scale_of(rng, "int8", -3.0, -1.5)))
    tensor.data = numpy.maximum(tensor.data, -127).astype("int8")
    return tensor


def biases(rng, count, dtype, scale):
    if dtype == "float32":
        return Tensor([count], dtype, data=rng.standard_normal(count).astype("float32"))
    data = rng.integers(-3000, 3000, count).astype("int32")
    return Tensor([count], "int32", scale, data=data)


@family("UNIDIRECTIONAL_SEQUENCE_LSTM", ("int8", "float32"))
def lstm(rng, dtype):
    batch, time, depth, cells = (int(size) for size in rng.integers(1, (4, 6, 12, 12)))
    time_major = bool(rng.integers(2))
    real = dtype == "float32"
    shape = [time, batch, depth] if time_major else [batch, time, depth]
    source = Tensor(shape, dtype, None if real else scale_of(rng, dtype, -2.5, -1),
                    0 if real else zero_of(rng, dtype))
    hidden_scale, hidden_zero = 2.0 ** -7, int(rng.integers(-20, 20))
    hidden = Tensor([batch, cells], dtype) if real else \
        Tensor([batch, cells], dtype, hidden_scale, hidden_zero)
    hidden.is_state = True
    cell = state([batch, cells], dtype if real else "int16",
                 None if real else 2.0 ** -int(rng.integers(11, 16)))
    gates = [weights(rng, [cells, depth], dtype) for _ in range(4)]
    recurrent = [weights(rng, [cells, cells], dtype) for _ in range(4)]
    bias = [biases(rng, cells, dtype, None if real else source.scales * gate.scales)
            for gate in gates]
    result = hidden.like([1])
    case = Case("UNIDIRECTIONAL_SEQUENCE_LSTM",
                [source] + gates + recurrent + [None] * 3 + bias + [None] * 2 + [hidden, cell] +
                [None] * 4, result,
                ("UnidirectionalSequenceLSTMOptions",
                 {"fusedActivationFunction": TANH, "projClip": 0.0, "timeMajor": time_major,
                  "cellClip": float(rng.choice([0, 0.5, 2]))}))
    if not real:
        case.intermediates = [Tensor([0], "int16", GATE_SCALE) for _ in range(4)] + \
            [Tensor([0], "int8", hidden_scale, hidden_zero)]
    return case


@family("SVDF with state", ("int8", "int16"))
def svdf(rng, dtype):
    """An int8 operator whose state has the type; one of int8 only Micro has."""
    import numpy
    batch, depth, rank, units, memory = (int(size) for size in
                                         rng.integers(1, (4, 30, 4, 12, 10)))
    filters = rank * units
    source = Tensor([batch, depth], "int8", scale_of(rng, "int8", -2.5, -1), zero_of(rng, "int8"))
    feature = weights(rng, [filters, depth], "int8")
    time = weights(rng, [filters, memory], "int8")
    kept = state([batch, memory * filters], dtype, source.scales * feature.scales *
                 (64 if dtype == "int8" else 0.25) * depth ** 0.5)
    if dtype == "int16":
        time.dtype, time.scales = dtype, float(numpy.float32(2.0 ** -13 * rng.uniform(0.5, 1)))
        time.data = rng.integers(-3000, 3000, time.shape).astype(dtype)
    bias = biases(rng, units, "int8", kept.scales * time.scales)
    step = kept.scales * time.scales * (memory * rank) ** 0.5
    result = Tensor([batch, units], "int8", float(step * 2.0 ** (19 if dtype == "int16" else 7) *
                                                  rng.uniform(0.3, 3)), zero_of(rng, "int8"))
    # With ReLU alone TensorFlow Lite takes integers; it then clamps to the type.
    case = Case("SVDF", [source, feature, time, bias, kept], result,
                ("SVDFOptions", {"rank": rank, "fusedActivationFunction": 1}))
    if dtype == "int8":
        case.reference = "micro"
    return case
