#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LayerNormalization between integers against the formula of docs/hardware.md.

usage: layer_norm.py [--count N] [--first SEED] [--bin DIRECTORY]

N models (default 3) of each form: the operator, and the steps that exporters write for
older operator sets. NumPy computes the hardware page's "Layer normalisation" with the
numbers of docs/compiler.md; processor and simulated NPU must give those bytes, on an NPU
job, and the report must name no other operator than NPU ones. Against the float
definition an element may be one step off, and at most 1 % of all of them. Prints TAP
lines.
"""
import argparse
import json
import math
import os
import sys
import tempfile

import numpy as np

from check import run
from model import Model

SHARE = 0.01


def requantised(values, factor):
    """M in mode F32."""
    product = values.astype(np.float32) * np.float32(factor)
    return np.clip(np.rint(product.astype(np.float64)), -2**31, 2**31 - 1).astype(np.int64)


def inverse_root(variance):
    """r and s of the page, of Python's integers."""
    zeros = (64 - variance.bit_length()) & ~1
    fraction = ((variance << zeros) & (2**64 - 1)) >> 32
    root = 2362232012 - ((fraction * 1288490189) >> 32)
    for _ in range(4):
        square = (root * root) >> 31
        root = (root * (3 * 2**29 - ((fraction * square) >> 32))) >> 30
    return root, 52 - zeros // 2


def page(rows, x, y, gain, bias, epsilon):
    """The integers that docs/hardware.md gives for rows of integers."""
    count = rows.shape[1]
    scale, zero_point = np.float64(x[0]), int(x[1])
    gain, bias = gain.astype(np.float64), bias.astype(np.float64)
    sums = (math.sqrt(count) * np.abs(gain) + np.abs(bias)) * 1024
    unit = max((np.abs(gain) / 32767).max(), (sums / (2**31 - 1) * (1 + 2.0**-10)).max()) or 1.0
    gains = np.rint(gain / unit).astype(np.int64)
    biases = np.rint(1024 * bias / unit).astype(np.int64)
    added = int(np.rint(count * count * np.float64(np.float32(epsilon)) / (scale * scale)))
    result = np.zeros(rows.shape, np.int64)
    for number, row in enumerate(rows):
        d = row.astype(np.int64) - zero_point
        total, squares = int(d.sum()), int((d * d).sum())
        variance = count * squares - total * total + added
        root, shift = inverse_root(variance) if variance else (0, 52)
        normal = np.array([((count * int(v) - total) * root + (1 << (shift - 1))) >> shift
                           for v in d], np.int64)
        sums = np.clip(normal * gains + biases, -2**31, 2**31 - 1)
        result[number] = requantised(sums, unit / 1024 / np.float64(y[0])) + int(y[1])
    return result


def definition(rows, x, gain, bias, epsilon):
    """What ONNX defines, in float64."""
    real = (rows.astype(np.float64) - int(x[1])) * np.float64(x[0])
    distance = real - real.mean(axis=1, keepdims=True)
    variance = (distance * distance).mean(axis=1, keepdims=True)
    return distance / np.sqrt(variance + epsilon) * gain + bias


def operator(m, x, depth, axis, gain, bias, epsilon):
    inputs = [x, m.constant(gain)] + ([m.constant(bias)] if bias is not None else [])
    return m.node("LayerNormalization", inputs, axis=axis, epsilon=epsilon)


def steps(m, x, depth, axis, gain, bias, epsilon):
    """As exporters write it where there is no such operator."""
    def mean(value):
        if m.opset < 18:
            return m.node("ReduceMean", [value], axes=[-1])
        return m.node("ReduceMean", [value, m.constant(np.array([-1], np.int64))])

    distance = m.node("Sub", [x, mean(x)])
    if m.rng.random() < 0.5:
        square = m.node("Mul", [distance, distance])
    else:
        square = m.node("Pow", [distance, m.constant(np.float32(2))])
    root = m.node("Sqrt", [m.node("Add", [mean(square), m.constant(np.float32(epsilon))])])
    if m.rng.random() < 0.5:
        value = m.node("Div", [distance, root])
    else:
        value = m.node("Mul", [m.node("Reciprocal", [root]), distance])
    value = m.node("Mul", [m.constant(gain), value])
    return value if bias is None else m.node("Add", [value, m.constant(bias)])


def check(form, seed, tools, work):
    """None, or why the model fails; elements beside the definition, and all."""
    rng = np.random.default_rng([form is steps, seed])
    m = Model(rng, 17 if form is operator else int(rng.choice([13, 17, 18])))
    rank, axis = int(rng.integers(2, 5)), -1
    shape = [int(n) for n in rng.integers(1, 9, rank)]
    shape[-1] = int(rng.choice([1, 2, 15, 16, 17, 64, 100, 768, 4096]))
    if form is operator and shape[-1] < 64:
        axis = -int(rng.integers(1, rank))
    depth = int(np.prod(shape[axis:]))
    dtype = m.byte()
    x = (m.scale(0.001, 0.2), m.zero_point(dtype))
    gain = rng.normal(1, 0.3, shape[axis:]).astype(np.float32)
    bias = rng.normal(0, 10.0 ** rng.integers(-1, 3), shape[axis:]).astype(np.float32)
    bias = None if rng.random() < 0.3 else bias
    epsilon = float(rng.choice([1e-5, 1e-12, 1e-2]))
    source = m.input(shape, dtype)
    rows = m.data[0].reshape(-1, depth)
    if rng.random() < 0.3:
        rows[0] = rows[0, 0]
    value = m.node("DequantizeLinear", [source, m.constant(x[0]), m.constant(x[1])])
    value = form(m, value, depth, axis, gain, bias, epsilon)
    gains, biases = gain.ravel(), np.zeros(depth) if bias is None else bias.ravel()
    real = definition(rows, x, gains, biases, epsilon)
    out = m.byte()
    limits = np.iinfo(out)
    low, high = limits.min, limits.max
    y = (np.float32(max(np.ptp(real), 1e-3) / 255 * rng.uniform(0.7, 1.5)), m.zero_point(out))
    if rng.random() < 0.3:
        value, low = m.node("Relu", [value]), int(y[1])
    m.output(m.node("QuantizeLinear", [value, m.constant(y[0]), m.constant(y[1])]), out)
    expected = np.clip(page(rows, x, y, gains, biases, epsilon), low, high)
    beside = np.abs(np.clip(np.rint(real / np.float64(y[0])) + int(y[1]), low, high) - expected)
    if beside.max() > 1:
        return f"the page's formula is {beside.max()} steps beside the definition", 0, 1
    paths = [os.path.join(work, name) for name in ("model.onnx", "graph.npu", "input.bin",
                                                   "output.bin", "report.json")]
    with open(paths[0], "wb") as file:
        file.write(m.serialise())
    m.data[0].tofile(paths[2])
    failure = run([os.path.join(tools, "npuc"), paths[0], "-o", paths[1], "--report", paths[4]])
    for device in ("cpu", "sim"):
        failure = failure or run([os.path.join(tools, "npu-run"), paths[1], "--device", device,
                                  "--input", paths[2], "--output", paths[3]])
        if failure:
            return failure, 0, 1
        found = np.fromfile(paths[3], out).reshape(rows.shape)
        if not np.array_equal(found, expected):
            return f"{device}: {(found != expected).sum()} of {found.size} differ", 0, 1
    with open(paths[4], encoding="utf-8") as file:
        report = json.load(file)
    if report["ops_npu"] != 1 or report["ops_cpu"]:
        return f"{report['ops_npu']} operators on the NPU, {report['ops_cpu']} not", 0, 1
    return None, int((beside > 0).sum()), beside.size


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--bin", default="build/bin")
    options = parser.parse_args()
    failed, beside, elements = False, 0, 0
    for name, form in (("the operator", operator), ("the exporters' steps", steps)):
        problems = []
        for seed in range(options.first, options.first + options.count):
            with tempfile.TemporaryDirectory() as work:
                failure, off, size = check(form, seed, options.bin, work)
            beside, elements = beside + off, elements + size
            if failure:
                problems.append(f"# seed {seed}: {failure.strip()}")
        for line in problems:
            print(line)
        print(f"{'not ok' if problems else 'ok'} - layer normalisation, {name}: "
              "bytes of the hardware page", flush=True)
        failed |= bool(problems)
    print(f"# {beside} of {elements} elements are a step beside the definition in float64")
    few = beside <= SHARE * elements
    print(f"{'ok' if few else 'not ok'} - layer normalisation: at most {SHARE:.0%} of the "
          "elements are a step beside")
    return int(failed or not few)


if __name__ == "__main__":
    sys.exit(main())
