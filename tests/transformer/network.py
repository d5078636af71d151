# SPDX-License-Identifier: MIT
"""Builds int8 networks layer by layer, calibrated on the way.

A Value is a tensor of the model together with what a float network computes there
for a few random samples, from which its quantisation follows. Ranges are rounded to
three digits, so that the model does not depend on the last bits of a machine's
floating point.
"""
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "operators"))
from model import Case, Tensor  # noqa: E402  (found by the line above)

# The smallest difference of quantised values that a range may have.
RANGE_MINIMUM = 1e-3
SOFTMAX_SCALE, SOFTMAX_ZERO_POINT = 1.0 / 256, -128


def quantisation_of(samples):
    """Scale and zero point of int8 values that cover the samples and zero."""
    import numpy
    low = float(f"{min(float(samples.min()), 0.0):.3g}")
    high = float(f"{max(float(samples.max()), 0.0):.3g}")
    scale = float(numpy.float32(max(high - low, RANGE_MINIMUM) / 255))
    return scale, int(max(-128, min(127, round(-128 - low / scale))))


class Value:
    """A tensor, and its float values with the samples in front."""

    def __init__(self, tensor, samples):
        self.tensor = tensor
        self.samples = samples

    @property
    def shape(self):
        return self.tensor.shape


class Network:
    """Operators in the order in which they run; random weights from one generator."""

    def __init__(self, rng, samples):
        self.rng = rng
        self.samples = samples
        self.cases = []
        # Multiply-accumulates of one run.
        self.macs = 0

    def add(self, name, inputs, samples, options=None, quantisation=None):
        """Append an operator whose output holds these samples."""
        scale, zero_point = quantisation or quantisation_of(samples)
        output = Tensor(samples.shape[1:], "int8", scale, zero_point)
        self.cases.append(Case(name, inputs, output, options))
        return Value(output, samples)

    def like(self, name, value, inputs, samples, options=None):
        """Append an operator that moves elements of `value`."""
        return self.add(name, inputs, samples, options,
                        (value.tensor.scales, value.tensor.zero_points))

    def integers(self, values):
        import numpy
        data = numpy.array(values, "int32")
        return Tensor(data.shape, "int32", data=data)

    def weights(self, shape, magnitude):
        """Constant random weights and the floats that they stand for."""
        import numpy
        scale = float(numpy.float32(magnitude / 127))
        data = self.rng.integers(-127, 128, shape).astype("int8")
        return Tensor(shape, "int8", scale, 0, data=data), data * scale

    def constant(self, values):
        """A constant of these float values."""
        import numpy
        scale, zero_point = quantisation_of(values)
        data = numpy.clip(numpy.round(values / scale) + zero_point, -128, 127).astype("int8")
        return Value(Tensor(values.shape, "int8", scale, zero_point, data=data),
                     ((data.astype("float64") - zero_point) * scale)[numpy.newaxis])

    def dense(self, value, units, gain=1.0):
        """A fully connected layer over the last dimension."""
        depth = value.shape[-1]
        weights, floats = self.weights([units, depth], gain * math.sqrt(3.0 / depth))
        scale = value.tensor.scales * weights.scales
        self.macs += value.samples[0].size * units
        data = self.rng.integers(-2000, 2001, [units]).astype("int32")
        bias = Tensor([units], "int32", scale, 0, data=data)
        return self.add("FULLY_CONNECTED", [value.tensor, weights, bias],
                        value.samples @ floats.T + data * scale,
                        ("FullyConnectedOptions", {"keepNumDims": True}))

    def elementwise(self, name, first, second, options=None):
        compute = {"ADD": lambda a, b: a + b, "SUB": lambda a, b: a - b,
                   "MUL": lambda a, b: a * b, "SQUARED_DIFFERENCE": lambda a, b: (a - b) ** 2}
        return self.add(name, [first.tensor, second.tensor],
                        compute[name](first.samples, second.samples), options)

    def plus(self, first, second):
        return self.elementwise("ADD", first, second, ("AddOptions", {}))

    def times(self, first, second):
        return self.elementwise("MUL", first, second, ("MulOptions", {}))

    def mean(self, value):
        """Over the last dimension, which stays with one element."""
        return self.add("MEAN", [value.tensor, self.integers([len(value.shape) - 1])],
                        value.samples.mean(axis=-1, keepdims=True),
                        ("ReducerOptions", {"keepDims": True}))

    def layer_norm(self, value):
        """As converters write it: mean, variance, inverse root, factor, offset."""
        import numpy
        depth = value.shape[-1]
        centre = self.mean(value)
        squares = self.elementwise("SQUARED_DIFFERENCE", value, centre,
                                   ("SquaredDifferenceOptions", {}))
        variance = self.plus(self.mean(squares), self.constant(numpy.full([1], 1e-2)))
        inverse = self.add("RSQRT", [variance.tensor], 1 / numpy.sqrt(variance.samples))
        scaled = self.times(self.elementwise("SUB", value, centre, ("SubOptions", {})), inverse)
        gamma = self.constant(self.rng.integers(50, 151, [depth]) / 100)
        beta = self.constant(self.rng.integers(-50, 51, [depth]) / 100)
        return self.plus(self.times(scaled, gamma), beta)

    def gelu(self, value):
        import numpy
        error_function = numpy.vectorize(math.erf, otypes=["float64"])
        return self.add("GELU", [value.tensor], value.samples / 2 *
                        (1 + error_function(value.samples / math.sqrt(2))),
                        ("GeluOptions", {"approximate": False}))

    def softmax(self, value):
        import numpy
        powers = numpy.exp(value.samples - value.samples.max(axis=-1, keepdims=True))
        return self.add("SOFTMAX", [value.tensor], powers / powers.sum(axis=-1, keepdims=True),
                        ("SoftmaxOptions", {"beta": 1.0}), (SOFTMAX_SCALE, SOFTMAX_ZERO_POINT))

    def reshape(self, value, shape):
        return self.like("RESHAPE", value, [value.tensor, self.integers(shape)],
                         value.samples.reshape([-1] + shape[1:]).reshape(
                             [value.samples.shape[0]] + shape),
                         ("ReshapeOptions", {"newShape": shape}))

    def transpose(self, value, order):
        return self.like("TRANSPOSE", value, [value.tensor, self.integers(order)],
                         value.samples.transpose([0] + [axis + 1 for axis in order]),
                         ("TransposeOptions", {}))

    def product(self, first, second, transposed=False):
        """A product of matrices, the second one transposed if asked for."""
        right = second.samples.swapaxes(-1, -2) if transposed else second.samples
        self.macs += first.samples[0].size * right.shape[-1]
        return self.add("BATCH_MATMUL", [first.tensor, second.tensor], first.samples @ right,
                        ("BatchMatMulOptions", {"adjX": False, "adjY": transposed}))

    def gather(self, table, floats, indices, samples):
        """Rows of a constant table; `samples` are indices with the samples in front."""
        value = Value(table, floats)
        return self.like("GATHER", value, [table, indices], floats[samples],
                         ("GatherOptions", {"axis": 0, "batchDims": 0}))

    def compare(self, name, numbers, value):
        """Constant integers against an input of one; true or false for each."""
        output = Tensor(numbers.shape, "bool")
        options = {"EQUAL": "EqualOptions", "LESS_EQUAL": "LessEqualOptions"}[name]
        self.cases.append(Case(name, [numbers, value], output, (options, {})))
        return output

    def select(self, condition, first, second, samples):
        """Elements of the first value where the condition holds, else of the second."""
        larger = max(first, second, key=lambda value: len(value.samples[0].ravel()))
        return self.like("SELECT_V2", larger, [condition, first.tensor, second.tensor], samples,
                         ("SelectV2Options", {}))

    def update(self, value, rows, start):
        """A value with other rows in it, from a position on that `start` holds."""
        return self.like("DYNAMIC_UPDATE_SLICE", value, [value.tensor, rows.tensor, start],
                         value.samples, ("DynamicUpdateSliceOptions", {}))

    def numbers(self, name, inputs, shape, options):
        """What an operator makes of int32 inputs."""
        output = Tensor(shape, "int32")
        self.cases.append(Case(name, inputs, output, options))
        return output

    def variable_make(self, name):
        """The handle of a variable, which a graph of its own has filled before."""
        handle = Tensor([], "resource")
        self.cases.append(Case("VAR_HANDLE", [], handle,
                               ("VarHandleOptions", {"container": "", "sharedName": name})))
        return handle

    def assign(self, handle, tensor):
        self.cases.append(Case("ASSIGN_VARIABLE", [handle, tensor], [],
                               ("AssignVariableOptions", {})))

    def read(self, handle, value, samples):
        """What a variable of the quantisation of `value` holds."""
        return self.like("READ_VARIABLE", value, [handle], samples, ("ReadVariableOptions", {}))

    def heads_split(self, value, heads):
        """[1, rows, heads * depth] as [1, heads, rows, depth]."""
        rows, width = value.shape[1:]
        return self.transpose(self.reshape(value, [1, rows, heads, width // heads]), [0, 2, 1, 3])

    def heads_join(self, value):
        heads, rows, depth = value.shape[1:]
        return self.reshape(self.transpose(value, [0, 2, 1, 3]), [1, rows, heads * depth])

    def feed_forward(self, value, units):
        """Two layers with GELU between them, a residual sum and its layer norm."""
        inner = self.gelu(self.dense(value, units))
        return self.layer_norm(self.plus(value, self.dense(inner, value.shape[-1])))
