#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the quantised ONNX encoder block of this directory and what it has to compute.

usage: make_onnx.py [--check] [DIRECTORY]

In encoder-onnx of DIRECTORY (this one unless given): model.onnx, input_0.bin and
output_0.bin, several vectors back to back, outputs of ONNX Runtime without any
optimisation, which is the definition step by step; macs, the multiply-accumulates of a
run. DIRECTORY is not written with --check: the model is compared byte by byte, the
outputs as far as other machines' float32 allows. Needs the Python environment that
tests/demo/make-venv.sh makes for onnxruntime.
"""
import argparse
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "onnx"))
import numpy as np  # noqa: E402
from model import Model, session  # noqa: E402

SAMPLES, VECTORS = 24, 4
VOCABULARY, ROWS, DEPTH, HEADS, UNITS = 64, 16, 64, 4, 256
SEED = 17
EPSILON = 1e-5


class Network(Model):
    """Weights of int8 with a scale a column, activations of uint8, calibrated as it grows."""


    def __init__(self, rng):
        # The first that has LayerNormalization; Gelu is in steps.
        super().__init__(rng, 17)
        self.samples = None
        self.macs = 0

    def run(self, outputs):
        runtime = session(self.serialise(outputs))
        name = self.inputs[0].name
        runs = [runtime.run(None, {name: sample}) for sample in self.samples]
        return [np.concatenate([run[i] for run in runs]) for i in range(len(outputs))]

    def fitting(self, x, dtype=None):
        """The whole range, to three digits: it must not depend on the last bits."""
        entry = [onnx_output(x)]
        value, = self.run(entry)
        low = float(f"{min(float(value.min()), 0.0):.3g}")
        high = float(f"{max(float(value.max()), 0.0):.3g}")
        scale = np.float32(max(high - low, 1e-3) / 255)
        return self.parameters("uint8", scale, round(min(255.0, -low / float(scale))))

    def fit(self, x):
        return self.requantise(x, self.fitting(x))

    def real_constant(self, values):
        return self.constant(values.astype(np.float32))

    def columns(self, rows, columns, gain=1.0):
        """Weights of a matrix product."""
        values = self.rng.integers(-127, 128, [rows, columns]).astype(np.int8)
        scales = gain * math.sqrt(3.0 / rows) / 127 * self.rng.uniform(0.7, 1.3, columns)
        return self.node("DequantizeLinear",
                         [self.constant(values), self.real_constant(scales),
                          self.constant(np.zeros(columns, np.int8))], axis=1)

    def dense(self, x, rows, columns, gain=1.0):
        """A product and its bias."""
        self.macs += ROWS * rows * columns
        product = self.node("MatMul", [x, self.columns(rows, columns, gain)])
        bias = self.real_constant(self.rng.integers(-20, 21, columns) / 100)
        return self.fit(self.node("Add", [product, bias]))

    def heads(self, x, order):
        shape = self.constant(np.array([1, ROWS, HEADS, DEPTH // HEADS], np.int64))
        return self.node("Transpose", [self.node("Reshape", [x, shape])], perm=order)

    def layer_norm(self, x):
        gain, bias = self.rng.uniform(0.5, 1.5, DEPTH), self.rng.uniform(-0.5, 0.5, DEPTH)
        return self.fit(self.node("LayerNormalization",
                                  [x, self.real_constant(gain), self.real_constant(bias)],
                                  epsilon=EPSILON))

    def layer_norm_steps(self, x):
        """As exporters write it for operator sets below 17."""
        gain, bias = self.rng.uniform(0.5, 1.5, DEPTH), self.rng.uniform(-0.5, 0.5, DEPTH)
        distance = self.node("Sub", [x, self.node("ReduceMean", [x], axes=[-1])])
        square = self.node("Pow", [distance, self.real_constant(np.array(2.0))])
        variance = self.node("ReduceMean", [square], axes=[-1])
        root = self.node("Sqrt", [self.node("Add", [variance,
                                                    self.real_constant(np.array(EPSILON))])])
        y = self.node("Mul", [self.node("Div", [distance, root]), self.real_constant(gain)])
        return self.fit(self.node("Add", [y, self.real_constant(bias)]))

    def gelu(self, x):
        root = self.real_constant(np.array(math.sqrt(2)))
        y = self.node("Erf", [self.node("Div", [x, root])])
        y = self.node("Mul", [x, self.node("Add", [y, self.real_constant(np.array(1.0))])])
        return self.fit(self.node("Mul", [y, self.real_constant(np.array(0.5))]))


def onnx_output(name):
    from onnx import TensorProto, helper
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def attention(net, x):
    depth = DEPTH // HEADS
    queries, keys, values = (net.dense(x, DEPTH, DEPTH) for _ in range(3))
    scores = net.fit(net.node("MatMul", [net.heads(queries, [0, 2, 1, 3]),
                                         net.heads(keys, [0, 2, 3, 1])]))
    scores = net.fit(net.node("Div", [scores, net.real_constant(np.array(math.sqrt(depth)))]))
    # To the scale that ONNX Runtime's own quantiser takes.
    shares = net.requantise(net.node("Softmax", [scores], axis=-1),
                            net.parameters("uint8", 1.0 / 256, 0))
    mixed = net.fit(net.node("MatMul", [shares, net.heads(values, [0, 2, 1, 3])]))
    net.macs += 2 * ROWS * ROWS * DEPTH
    mixed = net.node("Transpose", [mixed], perm=[0, 2, 1, 3])
    joined = net.node("Reshape", [mixed, net.constant(np.array([1, ROWS, DEPTH], np.int64))])
    return net.dense(joined, DEPTH, DEPTH)


def encoder(rng):
    """Embedded tokens through attention and two dense layers; the network."""
    net = Network(rng)
    tokens = net.input([1, ROWS], np.int64)
    net.samples = rng.integers(0, VOCABULARY, [SAMPLES, 1, ROWS])
    table = net.node("DequantizeLinear", [
        net.constant(rng.integers(0, 256, [VOCABULARY, DEPTH]).astype(np.uint8)),
        *net.parameters("uint8", 3.0 / 255, 128)])
    positions = net.requantise(net.real_constant(rng.uniform(-1, 1, [1, ROWS, DEPTH])),
                               net.parameters("uint8", 2.0 / 255, 128))
    x = net.fit(net.node("Add", [net.node("Gather", [table, tokens]), positions]))
    x = net.layer_norm(x)
    x = net.layer_norm(net.fit(net.node("Add", [x, attention(net, x)])))
    inner = net.gelu(net.dense(x, DEPTH, UNITS))
    x = net.fit(net.node("Add", [x, net.dense(inner, UNITS, DEPTH)]))
    net.output(net.layer_norm_steps(x))
    return net


def files_make():
    """Names and contents."""
    net = encoder(np.random.default_rng(SEED))
    data, name = net.serialise(), net.inputs[0].name
    vectors = net.rng.integers(0, VOCABULARY, [VECTORS, 1, ROWS])
    runtime = session(data)
    expected = np.concatenate([runtime.run(None, {name: vector})[0] for vector in vectors])
    return {"model.onnx": data, "macs": f"{net.macs}\n".encode(),
            "input_0.bin": vectors.tobytes(), "output_0.bin": expected.tobytes()}


def is_same(name, found, made):
    """Bytes; of outputs, whether few enough lie beside a tie of another machine's float32."""
    if name != "output_0.bin":
        return found == made
    found, made = np.frombuffer(found, np.float32), np.frombuffer(made, np.float32)
    return found.shape == made.shape and (found != made).mean() < 0.01


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("directory", nargs="?", default=HERE, metavar="DIRECTORY")
    arguments = parser.parse_args()
    directory = os.path.join(arguments.directory, "encoder-onnx")
    status = 0
    for name, data in files_make().items():
        path = os.path.join(directory, name)
        if not arguments.check:
            os.makedirs(directory, exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
            continue
        with open(path, "rb") as file:
            if not is_same(name, file.read(), data):
                print(f"make_onnx: {path} is not what the network makes", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
