#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small models for the fuzzers of the readers: one of every operator and type.

usage: make_seeds.py tflite|onnx DIRECTORY

Of several random cases of each family (tests/operators and tests/onnx, *cases.py) the
one with the smallest file is written to DIRECTORY, where the fuzzers take files of its
size. The same models every time. Runs in the Python environment of
tests/demo/make-venv.sh (tensorflow or onnxruntime).
"""
import importlib
import os
import sys
import zlib

CASES = 8
# As tests/fuzz/readers/check.sh has it.
BYTES_MAX = 4096
# Each adds its families to those of cases; some want others' to be there.
MODULES = {
    "tflite": ("cases", "index_cases", "float_cases", "network_cases", "recurrent_cases",
               "rank_cases"),
    "onnx": ("cases", "dynamic_cases", "index_cases", "qlinear_cases"),
}


def tflite_make(name, make, seed):
    """The model, with the shapes that the reference finds for its outputs; else as it is."""
    import check
    import model
    import numpy
    import reference
    rng = numpy.random.default_rng([seed, zlib.crc32(name.encode())])
    case = make(rng)
    values = check.values_make(case, rng)
    try:
        check.expected_outputs(case, model.model_build(case), values, "tflite-ref")
    except reference.RunError:
        pass
    return model.model_build(case)


def onnx_make(name, make, seed):
    from model import Model
    import numpy
    model = Model(numpy.random.default_rng([zlib.crc32(name.encode()), seed]))
    make(model)
    return model.serialise()


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("tflite", "onnx"):
        sys.exit(__doc__)
    kind, directory = sys.argv[1:]
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sys.path.insert(0, os.path.join(tests, "operators" if kind == "tflite" else "onnx"))
    for module in MODULES[kind]:
        importlib.import_module(module)
    families = sys.modules["cases"].FAMILIES
    make_one = tflite_make if kind == "tflite" else onnx_make
    for name, make in families.items():
        smallest = min((make_one(name, make, seed) for seed in range(1, CASES + 1)), key=len)
        if len(smallest) > BYTES_MAX:
            print(f"{name}: {len(smallest)} bytes, too many")
            continue
        with open(os.path.join(directory, name.replace(" ", "-") + "." + kind), "wb") as file:
            file.write(smallest)


if __name__ == "__main__":
    main()
