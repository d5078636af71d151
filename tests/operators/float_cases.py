# SPDX-License-Identifier: MIT
"""Cases of the 8-bit functions for which TensorFlow Lite has only a kernel of float32.

Their bytes are what the function makes of real numbers, as the tables of its other
functions are made: the input as a float32, the function's result rounded to a float32,
times the float32 reciprocal of the output's scale, to the nearest integer with ties away
from zero, plus the zero point, clamped. NumPy has the functions in float64.
"""
from cases import BYTES, family, unary
from model import INTEGER_RANGES

FUNCTIONS = {"NEG": "negative", "SQUARE": "square", "SIN": "sin", "COS": "cos", "FLOOR": "floor",
             "CEIL": "ceil", "ROUND": "rint", "LOG": "log", "SQRT": "sqrt"}


def expected(case, values):
    import numpy
    source, result = case.inputs[0], case.outputs[0]
    real = numpy.float32(source.scales) * (
        values[0].astype(numpy.int32) - source.zero_points).astype(numpy.float32)
    with numpy.errstate(all="ignore"):
        steps = getattr(numpy, FUNCTIONS[case.name])(real.astype(numpy.float64)) \
            .astype(numpy.float32) * (numpy.float32(1) / numpy.float32(result.scales))
    low, high = INTEGER_RANGES[result.dtype]
    # What is not a number, as the root of one below zero, is the least.
    steps = numpy.clip(numpy.where(numpy.isnan(steps), -numpy.inf, steps), -1e6, 1e6)
    nearest = numpy.copysign(numpy.floor(numpy.abs(steps).astype(numpy.float64) + 0.5), steps)
    return [numpy.clip(nearest + result.zero_points, low, high).astype(result.dtype)]


def float_unary(name, rng, dtype):
    case = unary(name, rng, dtype)
    case.outputs[0].shape = list(case.inputs[0].shape)
    case.reference = lambda values: expected(case, values)
    return case


for function_name in FUNCTIONS:
    family(function_name, BYTES, function_name)(float_unary)
