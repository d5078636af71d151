# SPDX-License-Identifier: MIT
"""Cases of several operators, of large tensors, and of scales that lie far apart."""
from cases import BYTES, constant, family, integers, scale_of, tensor, zero_of
from model import Case, Tensor

# COUNT0 of a command of a DMA unit.
COMMAND_BYTES = 1 << 24


def pointwise(rng, source, channels):
    """A convolution without bias, of a kernel of one, whose sums reach most of int8."""
    weights = constant(rng, Tensor([channels, 1, 1, source.shape[3]], "int8",
                                   scale_of(rng, "int8", -4, -2)))
    bias = Tensor([channels], "int32", source.scales * weights.scales,
                  data=integers([0] * channels).data)
    result = Tensor(source.shape[:3] + [channels], "int8",
                    source.scales * weights.scales * 60 * source.shape[3] ** 0.5,
                    zero_of(rng, "int8"))
    return Case("CONV_2D", [source, weights, bias], result, ("Conv2DOptions", {
        "padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1,
        "fusedActivationFunction": 0}))


@family("RESHAPE of zeros to another zero point", ("int8",))
def reshaped_zeros(rng, dtype):
    """Channels that are always zero, and behind the reshape are not: none may be left out."""
    source = tensor(rng, [1, 3, 4, 8], dtype)
    first = pointwise(rng, source, 16)
    first.inputs[1].data[:int(rng.integers(1, 17))] = 0
    shown = first.outputs[0].like()
    shown.zero_points = zero_of(rng, dtype)
    steps = [first, Case("RESHAPE", [first.outputs[0], integers(shown.shape)], shown,
                         ("ReshapeOptions", {"newShape": shown.shape}))]
    # A mean subtracts the zero point too.
    if rng.random() < 0.5:
        mean = Tensor([1, 1, 1, 16], dtype, shown.scales, zero_of(rng, dtype))
        steps.append(Case("MEAN", [shown, integers([1, 2])], mean,
                          ("ReducerOptions", {"keepDims": True})))
        shown = mean
    steps.append(pointwise(rng, shown, 16))
    last = pointwise(rng, steps[-1].outputs[0], 16)
    last.before = steps
    return last


@family("PAD of more bytes than a command counts", ("int8",))
def large_padding(rng, dtype):
    """Of images, for which memory is filled first; few are there before, for npuc's sake."""
    size = int(rng.integers(8, 17))
    source = tensor(rng, [1, size, size, 64], dtype)
    images = COMMAND_BYTES // (64 * size * size) + 1
    before = int(rng.integers(0, images))
    paddings = [[before, images - before]] + [[0, 0]] * 3
    return Case("PAD", [source, integers(paddings)], source.like([1]), ("PadOptions", {}))


@family("MEAN to a smaller scale", BYTES)
def narrow_mean(rng, dtype):
    """The optimised kernels' zero point, less the input's in the output's scale, is beyond 8 bits."""
    source = tensor(rng, [1] + [int(size) for size in rng.integers(2, 8, 3)], dtype)
    source.zero_points = int(rng.choice([-128, 127] if dtype == "int8" else [0, 255]))
    mean = Tensor([1, 1, 1, source.shape[3]], dtype, source.scales / float(rng.uniform(2, 6)),
                  source.zero_points)
    return Case("MEAN", [source, integers([1, 2])], mean, ("ReducerOptions", {"keepDims": True}))
