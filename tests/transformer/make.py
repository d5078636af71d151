#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the small int8 transformers of this directory and what they have to compute.

usage: make.py [--check] [DIRECTORY]

For each network a directory with model.tflite, input_<k>.bin and output_<k>.bin:
several vectors back to back, outputs of TensorFlow Lite's reference kernels; and macs,
the multiply-accumulates of a run. DIRECTORY is this one unless given. --check writes nothing, but compares with what is there.
Needs the Python environment of tests/demo/make-venv.sh.
"""
import argparse
import os
import sys

import network
from model import Tensor, graphs_build, reference

SAMPLES, VECTORS = 24, 4
VOCABULARY, ROWS, DEPTH, HEADS, UNITS = 64, 16, 64, 4, 256


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


NETWORKS = {"encoder": encoder_make}


def files_make(name, number):
    """The network's files: names and contents."""
    import numpy
    net, graphs, inputs = NETWORKS[name](numpy.random.default_rng(number))
    files = {"model.tflite": graphs_build(graphs), "macs": f"{net.macs}\n".encode()}
    interpreter = reference.interpreter_make(files["model.tflite"], name)
    outputs = [b""] * len(interpreter.get_output_details())
    for vector in range(VECTORS):
        for detail, values in zip(interpreter.get_input_details(), inputs):
            interpreter.set_tensor(detail["index"], values[vector])
        interpreter.invoke()
        for index, detail in enumerate(interpreter.get_output_details()):
            outputs[index] += interpreter.get_tensor(detail["index"]).tobytes()
    for index, values in enumerate(inputs):
        files[f"input_{index}.bin"] = values.tobytes()
    for index, data in enumerate(outputs):
        files[f"output_{index}.bin"] = data
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
