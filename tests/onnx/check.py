#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random quantised ONNX models of a few operators against ONNX Runtime.

usage: check.py [--count N] [--first SEED] [--only FAMILY] [--keep DIRECTORY]
                [--bin DIRECTORY]
       check.py --write DIRECTORY

N models (default 2) of every family of cases.py run in ONNX Runtime without any
optimisation, which is the definition step by step, and in npu-run: compiled, on
the processor and on the simulated NPU, and as they are. Integers may be one step beside the
definition in one element of a hundred (sums are taken in integers here and in
floats there) and float32 within 1e-4 of their range; the families of
EXACT give the definition's bytes. All three must give the same bytes. --keep leaves the
models that fail in DIRECTORY. Prints TAP lines.

--write puts the first model of each family into DIRECTORY/FAMILY, with its inputs and
ONNX Runtime's outputs, and checks nothing.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import zlib

import numpy as np

import dynamic_cases
import index_cases
import qlinear_cases  # noqa: F401  (it adds its families to those of cases)
from cases import FAMILIES
from model import Model

TOLERANCE = 1e-4
# Of elements: how many may be a step beside the definition.
SHARE = 0.01
TIMEOUT_SECONDS = 120
# Families whose every byte is ONNX Runtime's: moves, tables, comparisons and requantisation.
EXACT = dynamic_cases.EXACT + index_cases.EXACT + (
    "unary", "unary_positive", "swish", "prelu", "requantise", "max_pool", "minimum_same",
    "extremes", "extreme_integers",
    "reshape", "transpose", "transpose_after_pool", "concat", "slices", "split", "gather",
    "embedding", "pad", "pad_reflect", "blocks", "expand", "arg_extreme", "squeeze",
    "shape_arithmetic", "resize_nearest", "flatten_other")
# Chains of several quantisations: a step in one of them becomes several, everywhere;
# and what has a test of its own for the bytes (layer_norm.py).
CHAINS = {"network": 4, "flatten_gemm": 2, "layer_normalisation": 1}


def run(command):
    """None, or what the command had to say."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
                          check=False)
    return None if done.returncode == 0 else f"exit status {done.returncode}: {done.stderr}"


def difference(name, expected, found):
    """None, or how they differ."""
    if expected.nbytes != found.nbytes:
        return f"{found.nbytes} bytes instead of {expected.nbytes}"
    found = found.view(expected.dtype).reshape(expected.shape)
    steps = CHAINS.get(name, 1)
    allowed = expected.size if name in CHAINS else int(expected.size * SHARE) + 1
    if name in EXACT:
        steps = allowed = 0
        if found.tobytes() == expected.tobytes():
            return None
    distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    if expected.dtype == np.float32:
        beside = ~(distance <= TOLERANCE * max(float(np.ptp(expected)), 1e-3))
        # Real values behind integers lie on their grid.
        values = np.unique(expected)
        step = float(np.diff(values).min()) if len(values) > 1 else float(np.abs(values).max())
        worst = distance.max() / step if step and len(values) <= 256 else 0
        if not beside.any() or (len(values) <= 256 and beside.sum() <= allowed and
                                worst < steps + 1.5):
            return None
    else:
        beside = distance > 0
        if beside.sum() <= allowed and distance.max() <= steps:
            return None
    at = np.unravel_index(int(np.argmax(distance)), distance.shape)
    return (f"{beside.sum()} of {expected.size} differ, most at {list(map(int, at))}: "
            f"{found[at]} instead of {expected[at]}")


def make(name, seed):
    """A model of a family."""
    model = Model(np.random.default_rng([zlib.crc32(name.encode()), seed]))
    FAMILIES[name](model)
    return model


def write(directory):
    """The first model of each family, as a directory like those of the collection."""
    for name in FAMILIES:
        model, path = make(name, 1), os.path.join(directory, name)
        os.makedirs(path)
        with open(os.path.join(path, "model.onnx"), "wb") as file:
            file.write(model.serialise())
        for what, values in (("input", model.data), ("output", model.run(model.outputs))):
            for i, value in enumerate(values):
                value.tofile(os.path.join(path, f"{what}_{i}.bin"))


def check(name, seed, tools, work):
    """None, or why the model fails."""
    model = make(name, seed)
    data = model.serialise()
    expected = model.run(model.outputs)
    source, graph = os.path.join(work, "model.onnx"), os.path.join(work, "graph.npu")
    with open(source, "wb") as file:
        file.write(data)
    inputs, outputs = [], []
    for i, value in enumerate(model.data):
        inputs.append(os.path.join(work, f"input_{i}.bin"))
        value.tofile(inputs[-1])
    for i in range(len(expected)):
        outputs.append(os.path.join(work, f"output_{i}.bin"))
    report = os.path.join(work, "report.json")
    failure = run([os.path.join(tools, "npuc"), source, "-o", graph, "--report", report])
    answers = {}
    for device, file in (("cpu", graph), ("sim", graph), ("library", source)):
        failure = failure or run([os.path.join(tools, "npu-run"), file, "--device",
                                  "cpu" if device == "library" else device,
                                  "--input", *inputs, "--output", *outputs])
        if failure:
            return failure
        answers[device] = [np.fromfile(path, np.uint8) for path in outputs]
    for i, value in enumerate(expected):
        failure = difference(name, value, answers["cpu"][i])
        if failure:
            return f"output {i}: {failure}"
        if not np.array_equal(answers["cpu"][i], answers["sim"][i]):
            return f"output {i}: processor and simulated NPU differ"
        if not np.array_equal(answers["cpu"][i], answers["library"][i]):
            return f"output {i}: the graph and what libnpu makes of the model differ"
    return oversize(model, report)


def oversize(model, report):
    """None, or that weights of four bits take more than half a byte each."""
    with open(report, encoding="utf-8") as file:
        report = json.load(file)
    most = report.get("raw_constant_bytes", 0) - model.int4_elements // 2
    if model.int4_elements and report["constant_bytes"] > most:
        return f"{report['constant_bytes']} bytes of constants, at most {most} with int4 weights"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    parser.add_argument("--bin", default="build/bin")
    parser.add_argument("--write")
    options = parser.parse_args()
    if options.write:
        write(options.write)
        return 0
    failed = False
    for name in FAMILIES:
        if options.only and name != options.only:
            continue
        problems = []
        for seed in range(options.first, options.first + options.count):
            with tempfile.TemporaryDirectory() as work:
                failure = check(name, seed, options.bin, work)
                if failure:
                    problems.append(f"# seed {seed}: {failure.strip()}")
                    if options.keep:
                        keep = os.path.join(options.keep, f"{name}-{seed}")
                        os.makedirs(options.keep, exist_ok=True)
                        subprocess.run(["cp", "-r", work, keep], check=True)
        for line in problems:
            print(line)
        print(f"{'not ok' if problems else 'ok'} - {name}", flush=True)
        failed |= bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
