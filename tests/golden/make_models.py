#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The models of the golden graphs.

usage: make_models.py tflite|onnx DIRECTORY

tflite: for each quantised type a model with every operator that has a kernel for it
(tests/operators/cases.py), side by side, the smallest of several random cases each;
and two small decoder steps, which have state, one that writes it by rows.
onnx: some of tests/onnx/cases.py whose outputs no library function of the processor
decides. Runs in the Python environment of tests/demo/make-venv.sh (tensorflow or
onnxruntime); see regenerate.sh.
"""
import os
import sys
import zlib

CASES = 6
ONNX = ("network", "layer_normalisation", "qlinear_conv", "matmul_dynamic")


def decoders_make():
    """The decoder steps of tests/transformer, which have state, but smaller."""
    import make
    import model
    import numpy
    make.DEPTH, make.UNITS, make.VOCABULARY = 16, 32, 16
    return {"decoder": model.graphs_build(make.decoder_make(numpy.random.default_rng(1))[1]),
            "decoder_rows":
                model.graphs_build(make.row_decoder_make(numpy.random.default_rng(1))[1])}


def tflite_make(directory):
    import cases
    import check
    import model
    import numpy

    def smallest(name, make):
        found = []
        for seed in range(1, CASES + 1):
            rng = numpy.random.default_rng([seed, zlib.crc32(name.encode())])
            case = make(rng)
            values = check.values_make(case, rng)
            check.expected_outputs(case, model.model_build(case), values, "tflite-ref")
            found.append((len(model.model_build(case)), seed, case))
        return min(found)[2]

    for name, data in decoders_make().items():
        with open(os.path.join(directory, name + ".tflite"), "wb") as file:
            file.write(data)
    for dtype in ("int8", "uint8", "int16"):
        chosen = [smallest(name, make) for name, make in cases.FAMILIES.items()
                  if name.endswith(" " + dtype) and not name.startswith("CAST")]
        data = model.graphs_build([("main", chosen,
                                    [tensor for case in chosen for tensor in case.variables()],
                                    [tensor for case in chosen for tensor in case.outputs])])
        with open(os.path.join(directory, dtype + ".tflite"), "wb") as file:
            file.write(data)


def onnx_make(directory):
    import cases
    from model import Model
    import numpy
    for name in ONNX:
        model = Model(numpy.random.default_rng([zlib.crc32(name.encode()), 1]))
        cases.FAMILIES[name](model)
        with open(os.path.join(directory, name + ".onnx"), "wb") as file:
            file.write(model.serialise())


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("tflite", "onnx"):
        sys.exit(__doc__)
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    kind = sys.argv[1]
    for name in ("transformer", "operators") if kind == "tflite" else ("onnx",):
        sys.path.insert(0, os.path.join(tests, name))
    (tflite_make if kind == "tflite" else onnx_make)(sys.argv[2])


if __name__ == "__main__":
    main()
