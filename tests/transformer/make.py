#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the small int8 transformers of this directory and what they have to compute.

usage: make.py [--check] [DIRECTORY]

For each network a directory with model.tflite, input_<k>.bin and output_<k>.bin:
several vectors back to back, outputs of TensorFlow Lite's reference kernels; and macs,
the multiply-accumulates of a run. A network with state also gets output_<k>.reset.bin,
outputs where each vector meets the state of the beginning. DIRECTORY is this one unless given. --check writes nothing, but compares with what is there.
Needs the Python environment of tests/demo/make-venv.sh.
"""
import argparse
import os
import sys

import network
from model import Case, Tensor, graphs_build, reference

SAMPLES, VECTORS = 24, 4
VOCABULARY, ROWS, DEPTH, HEADS, UNITS = 64, 16, 64, 4, 256
# Positions that a cache does not have, and some that it has between them.
OUTSIDE = [ROWS, 3, -1, 2, 2 ** 31 - 1, 9, -2 ** 31, ROWS + 1, ROWS - 1]


def encoder_make(rng):
    """An encoder block over embedded tokens; returns the network, graphs and inputs."""
    net = network.Network(rng, SAMPLES)
    samples = rng.integers(0, VOCABULARY, [SAMPLES, 1, ROWS])
    tokens = Tensor([1, ROWS], "int32")
    table, floats = net.weights([VOCABULARY, DEPTH], 1.5)
    positions = net.constant(rng.integers(-100, 101, [1, ROWS, DEPTH]) / 100)
    value = net.layer_norm(net.plus(net.gather(table, floats, tokens, samples), positions))
    # The factor of the scores is part of the queries' weights.
    queries = net.heads_split(net.dense(value, DEPTH, 2.0 / (DEPTH // HEADS) ** 0.5), HEADS)
    keys = net.heads_split(net.dense(value, DEPTH), HEADS)
    values = net.heads_split(net.dense(value, DEPTH), HEADS)
    scores = net.softmax(net.product(queries, keys, transposed=True))
    attended = net.dense(net.heads_join(net.product(scores, values)), DEPTH)
    value = net.feed_forward(net.layer_norm(net.plus(value, attended)), UNITS)
    return (net, [("main", net.cases, [tokens], [value.tensor])],
            [rng.integers(0, VOCABULARY, [VECTORS, 1, ROWS]).astype("int32")])


class Cache:
    """Keys or values of all positions, kept in a variable from run to run."""

    def __init__(self, net, name):
        self.net = net
        self.name = name
        self.handle = net.variable_make(name)
        self.contents = None

    def update(self, value, here):
        """Put the value's one row at the position; return the whole cache."""
        import numpy
        # For calibration, the rows of other samples stand for those of other positions.
        rows = [numpy.roll(value.samples, row, axis=0) for row in range(ROWS)]
        cache = self.net.read(self.handle, value, numpy.concatenate(rows, axis=3))
        self.contents = cache.tensor
        updated = self.net.select(here, value, cache, cache.samples)
        self.net.assign(self.handle, updated.tensor)
        return updated

    def update_rows(self, value, start):
        """The same with the value's row put there alone, where `start` says."""
        import numpy
        rows = [numpy.roll(value.samples, row, axis=0) for row in range(ROWS)]
        cache = self.net.read(self.handle, value, numpy.concatenate(rows, axis=2))
        self.contents = cache.tensor
        updated = self.net.update(cache, value, start)
        self.net.assign(self.handle, updated.tensor)
        return updated

    def beginning(self, net):
        """Append to another graph what fills the cache with zeros."""
        import numpy
        tensor = self.contents.like()
        tensor.data = numpy.full(tensor.shape, tensor.zero_points, "int8")
        net.assign(net.variable_make(self.name), tensor)


def attend(net, value, queries, keys, values, mask):
    """A decoder's attention to all positions, those that the mask takes away but for."""
    masked = mask(net.product(queries, keys, transposed=True))
    attended = net.dense(net.heads_join(net.product(net.softmax(masked), values)), DEPTH)
    return net.feed_forward(net.layer_norm(net.plus(value, attended)), UNITS)


def decoder_make(rng):
    """One step of a decoder: a token, its position, and the keys and values before it."""
    import numpy
    net, beginning = network.Network(rng, SAMPLES), network.Network(rng, SAMPLES)
    net.cases.append(Case("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1})))
    token, position = Tensor([1, 1], "int32"), Tensor([1, 1], "int32")
    table, floats = net.weights([VOCABULARY, DEPTH], 1.5)
    places, place_floats = net.weights([ROWS, DEPTH], 1.0)
    value = net.layer_norm(net.plus(
        net.gather(table, floats, token, rng.integers(0, VOCABULARY, [SAMPLES, 1, 1])),
        net.gather(places, place_floats, position, rng.integers(0, ROWS, [SAMPLES, 1, 1]))))
    queries = net.heads_split(net.dense(value, DEPTH, 2.0 / (DEPTH // HEADS) ** 0.5), HEADS)
    numbers = numpy.arange(ROWS)
    here = net.compare("EQUAL", net.integers(numbers.reshape([1, 1, ROWS, 1])), position)
    keys, values = Cache(net, "keys"), Cache(net, "values")
    all_keys = keys.update(net.heads_split(net.dense(value, DEPTH), HEADS), here)
    all_values = values.update(net.heads_split(net.dense(value, DEPTH), HEADS), here)

    def mask(scores):
        seen = net.compare("LESS_EQUAL", net.integers(numbers.reshape([1, 1, 1, ROWS])), position)
        lowest = scores.tensor.like([1])
        lowest.data = numpy.full([1], -128, "int8")
        return net.select(seen, scores, network.Value(lowest, numpy.full([1, 1], 0.0)),
                          scores.samples)

    value = attend(net, value, queries, all_keys, all_values, mask)
    keys.beginning(beginning)
    values.beginning(beginning)
    return (net, [("main", net.cases, [token, position], [value.tensor]),
                  ("beginning", beginning.cases, [], [])],
            [rng.integers(0, VOCABULARY, [ROWS, 1, 1]).astype("int32"),
             numbers.reshape([ROWS, 1, 1]).astype("int32")])


def row_decoder_make(rng):
    """The same where only a row of either cache is written, at a position that may be outside."""
    import numpy
    net, beginning = network.Network(rng, SAMPLES), network.Network(rng, SAMPLES)
    net.cases.append(Case("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1})))
    token, position = Tensor([1, 1], "int32"), Tensor([1, 1], "int32")
    table, floats = net.weights([VOCABULARY, DEPTH], 1.5)
    places, place_floats = net.weights([ROWS, DEPTH], 1.0)
    zero = net.integers([0])
    start = net.numbers("RESHAPE", [position, net.integers([1])], [1],
                        ("ReshapeOptions", {"newShape": [1]}))
    start = net.numbers("CONCATENATION", [zero, start, zero], [3],
                        ("ConcatenationOptions", {"axis": 0}))
    place = net.numbers("MAXIMUM", [position, zero], [1, 1], ("MaximumMinimumOptions", {}))
    place = net.numbers("MINIMUM", [place, net.integers([ROWS - 1])], [1, 1],
                        ("MaximumMinimumOptions", {}))
    value = net.layer_norm(net.plus(
        net.gather(table, floats, token, rng.integers(0, VOCABULARY, [SAMPLES, 1, 1])),
        net.gather(places, place_floats, place, rng.integers(0, ROWS, [SAMPLES, 1, 1]))))
    queries = net.heads_split(net.dense(value, DEPTH, 2.0 / (DEPTH // HEADS) ** 0.5), HEADS)
    keys, values = Cache(net, "keys"), Cache(net, "values")
    all_keys = net.heads_split(keys.update_rows(net.dense(value, DEPTH), start), HEADS)
    all_values = net.heads_split(values.update_rows(net.dense(value, DEPTH), start), HEADS)

    def mask(scores):
        # For each place the largest value up to it, and the least behind it.
        limits = scores.tensor.like([ROWS, 1, ROWS])
        limits.data = numpy.where(numpy.tri(ROWS, dtype="bool"), 127,
                                  -128).astype("int8").reshape(limits.shape)
        limit = net.gather(limits, numpy.zeros(limits.shape), place,
                           numpy.zeros([SAMPLES, 1, 1], "int32"))
        return net.like("MINIMUM", scores, [scores.tensor, limit.tensor], scores.samples,
                        ("MaximumMinimumOptions", {}))

    value = attend(net, value, queries, all_keys, all_values, mask)
    keys.beginning(beginning)
    values.beginning(beginning)
    positions = list(range(ROWS)) + OUTSIDE
    return (net, [("main", net.cases, [token, position], [value.tensor]),
                  ("beginning", beginning.cases, [], [])],
            [rng.integers(0, VOCABULARY, [len(positions), 1, 1]).astype("int32"),
             numpy.array(positions, "int32").reshape([len(positions), 1, 1])])


NETWORKS = {"encoder": encoder_make, "decoder": decoder_make, "decoder-rows": row_decoder_make}


def outputs_make(name, data, inputs, reset_state):
    """What the reference computes for the vectors, one bytes object per output."""
    interpreter = reference.interpreter_make(data, name)
    outputs = [b""] * len(interpreter.get_output_details())
    for vector in range(len(inputs[0])):
        if reset_state:
            interpreter = reference.interpreter_make(data, name)
        for detail, values in zip(interpreter.get_input_details(), inputs):
            interpreter.set_tensor(detail["index"], values[vector])
        interpreter.invoke()
        for index, detail in enumerate(interpreter.get_output_details()):
            outputs[index] += interpreter.get_tensor(detail["index"]).tobytes()
    return outputs


def files_make(name, number):
    """The network's files: names and contents."""
    import numpy
    net, graphs, inputs = NETWORKS[name](numpy.random.default_rng(number))
    files = {"model.tflite": graphs_build(graphs), "macs": f"{net.macs}\n".encode()}
    for index, values in enumerate(inputs):
        files[f"input_{index}.bin"] = values.tobytes()
    for suffix in (".bin", ".reset.bin") if len(graphs) > 1 else (".bin",):
        for index, data in enumerate(outputs_make(name, files["model.tflite"], inputs,
                                                  suffix == ".reset.bin")):
            files[f"output_{index}{suffix}"] = data
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("directory", nargs="?",
                        default=os.path.dirname(os.path.abspath(__file__)), metavar="DIRECTORY")
    arguments = parser.parse_args()
    reference.venv_enter()
    reference.tensorflow_load()
    wrong = []
    for number, name in enumerate(NETWORKS):
        directory = os.path.join(arguments.directory, name)
        if not arguments.check:
            os.makedirs(directory, exist_ok=True)
        for file_name, data in files_make(name, number).items():
            path = os.path.join(directory, file_name)
            if arguments.check:
                with open(path, "rb") as file:
                    if file.read() != data:
                        wrong.append(path)
            else:
                with open(path, "wb") as file:
                    file.write(data)
    for path in wrong:
        print(f"make: {path} is not what the network and the reference make", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (reference.RunError, OSError) as failure:
        print(f"make: {failure}", file=sys.stderr)
        sys.exit(2)
