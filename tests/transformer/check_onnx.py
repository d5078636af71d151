#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every operator of the ONNX encoder block against ONNX's definition.

usage: check_onnx.py [BIN]

An integer implementation may be one step beside the definition in each operator, and
the next ones make more of it. So the network of make_onnx.py runs with all of its
integers as outputs, on the processor and on the simulated NPU, which must agree in every
byte; then ONNX Runtime without optimisation computes each operator alone from the
integers that the processor had there. No element may be more than one step beside, and
at most 1.5 % of an operator's. Prints TAP lines.
"""
import os
import sys
import tempfile

import numpy as np
from onnx import helper

import make_onnx  # puts the directory of the next two into the path
from check import run
from model import ELEMENTS, session

SHARE = 0.015


def integers_of(net):
    """Outputs of QuantizeLinear that are no constants, and their types."""
    constants = {entry.name: entry for entry in net.constants}
    return {node.output[0]: constants[node.input[2]].data_type for node in net.nodes
            if node.op_type == "QuantizeLinear" and node.input[0] not in constants}


def operator_of(net, name, integers):
    """The nodes between other integers and these, as a model of their own."""
    makers = {output: node for node in net.nodes for output in node.output}
    entries = {entry.name: entry for entry in net.inputs}
    inputs, nodes, waiting = {}, set(), [name]
    while waiting:
        value = waiting.pop()
        if value in entries:
            inputs[value] = entries[value]
        elif value in integers and value != name:
            inputs[value] = helper.make_tensor_value_info(value, integers[value], None)
        elif value in makers and makers[value].output[0] not in nodes:
            nodes.add(makers[value].output[0])
            waiting.extend(makers[value].input)
    graph = helper.make_graph([node for node in net.nodes if node.output[0] in nodes], "operator",
                              list(inputs.values()),
                              [helper.make_tensor_value_info(name, integers[name], None)],
                              net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", net.opset)],
                              ir_version=10)
    what = makers[makers[name].input[0]].op_type
    return session(model.SerializeToString()), list(inputs), what


def values_of(path, shapes, tools, device, work, vectors):
    """What npu-run gives for every output of a model; raises where it fails."""
    graph, source = os.path.join(work, "graph.npu"), os.path.join(work, "input.bin")
    files = [os.path.join(work, f"{device}_{i}.bin") for i in range(len(shapes))]
    vectors.tofile(source)
    failure = run([os.path.join(tools, "npuc"), path, "-o", graph])
    failure = failure or run([os.path.join(tools, "npu-run"), graph, "--device", device,
                              "--input", source, "--output", *files])
    if failure:
        raise RuntimeError(failure)
    return [np.fromfile(file, dtype).reshape([-1] + list(shape[1:]))
            for file, (shape, dtype) in zip(files, shapes)]


def beside(net, integers, found, vectors):
    """For each operator: what it is, the largest distance, the share of elements."""
    for name in integers:
        runtime, inputs, what = operator_of(net, name, integers)
        expected = []
        for number, vector in enumerate(vectors):
            feeds = {entry: vector if entry == net.inputs[0].name else
                     found[entry][number:number + 1] for entry in inputs}
            expected.append(runtime.run(None, feeds)[0])
        distance = np.abs(np.concatenate(expected).astype(np.int64) - found[name].astype(np.int64))
        yield f"{name} ({what})", int(distance.max()), float((distance > 0).mean())


def main():
    tools = sys.argv[1] if len(sys.argv) > 1 else "build/bin"
    net = make_onnx.encoder(np.random.default_rng(make_onnx.SEED))
    integers = integers_of(net)
    vectors = np.fromfile(os.path.join(make_onnx.HERE, "encoder-onnx", "input_0.bin"),
                          np.int64).reshape(-1, 1, make_onnx.ROWS)
    outputs = [helper.make_tensor_value_info(name, kind, None)
               for name, kind in integers.items()]
    data = net.serialise(outputs)
    first = session(data).run(None, {net.inputs[0].name: vectors[0]})
    shapes = [(value.shape, value.dtype) for value in first]
    assert all(ELEMENTS[value.dtype] == kind for value, kind in zip(first, integers.values()))
    answers = {}
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "model.onnx")
        with open(path, "wb") as file:
            file.write(data)
        for device in ("cpu", "sim"):
            answers[device] = values_of(path, shapes, tools, device, work, vectors)
    different = [name for name, a, b in zip(integers, answers["cpu"], answers["sim"])
                 if not np.array_equal(a, b)]
    print(f"{'not ok' if different else 'ok'} - encoder-onnx: processor and simulated NPU agree "
          f"in all integers {' '.join(different)}")
    worst = 0.0
    wrong = []
    for name, distance, share in beside(net, integers, dict(zip(integers, answers["cpu"])),
                                        vectors):
        worst = max(worst, share)
        if distance > 1 or share > SHARE:
            wrong.append(f"# {name}: {share:.2%} of the elements differ, by {distance} at most")
    print("\n".join(wrong + [f"# at most {worst:.2%} of an operator's elements are beside"]))
    print(f"{'not ok' if wrong else 'ok'} - encoder-onnx: no operator is more than a step beside "
          "the definition")
    return int(bool(different or wrong))


if __name__ == "__main__":
    sys.exit(main())
