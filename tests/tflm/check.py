#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Published models compiled with --numerics tflm against TensorFlow Lite Micro.

usage: check.py [--bin DIRECTORY] [--only TEXT] MODEL_DIRECTORY

Each .tflite model of the directory that TensorFlow Lite Micro takes runs its first
vectors in its interpreter and in npu-run on the processor: integers must be the same in
every byte, float32 within a tolerance. Models that it refuses are named. --only keeps
those whose name contains TEXT. Prints TAP lines. Needs the Python environments of
tests/demo/make-venv.sh.
"""
import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402  (found by the line above)

ARENA_BYTES = 48 << 20
TIMEOUT_SECONDS = 600
# Share of an output's range by which float32 results may differ.
FLOAT_TOLERANCE = 1e-4
# Of each model's vectors so many are compared.
RUNS_MOST = 3
# So many of the published models must be compared for the test to mean anything.
MODELS_LEAST = 25


def interpreter_make(path):
    """The interpreter, or None where it refuses the model."""
    runtime = reference.micro_load()
    with open(path, "rb") as file, reference.stderr_quiet():
        try:
            return runtime.Interpreter.from_bytes(file.read(), arena_size=ARENA_BYTES)
        except RuntimeError:
            return None


def vectors_read(directory, interpreter):
    """The contents of every input, one row for each run."""
    import numpy
    vectors = []
    path = os.path.join(directory, "input_0.bin")
    while os.path.exists(path):
        details = interpreter.get_input_details(len(vectors))
        rows = numpy.fromfile(path, details["dtype"]).reshape([-1] + list(details["shape"]))
        vectors.append(rows[:RUNS_MOST])
        path = os.path.join(directory, f"input_{len(vectors)}.bin")
    return vectors


def micro_run(interpreter, vectors, count):
    """`count` outputs, of all runs one after the other."""
    import numpy
    outputs = [b""] * count
    for run in range(len(vectors[0])):
        for index, rows in enumerate(vectors):
            interpreter.set_input(rows[run], index)
        with reference.stderr_quiet():
            interpreter.invoke()
        for index in range(count):
            outputs[index] += interpreter.get_output(index).tobytes()
    return [numpy.frombuffer(output, interpreter.get_output_details(index)["dtype"])
            for index, output in enumerate(outputs)]


def ours_run(programs, path, vectors, count, work):
    """The bytes of each output as npu-run writes them."""
    graph = os.path.join(work, "model.npu")
    inputs = [os.path.join(work, f"input_{index}.bin") for index in range(len(vectors))]
    outputs = [os.path.join(work, f"output_{index}.bin") for index in range(count)]
    for name, rows in zip(inputs, vectors):
        rows.tofile(name)
    reference.program_run([os.path.join(programs, "npuc"), path, "-o", graph, "--numerics",
                           "tflm", "--no-stream"], TIMEOUT_SECONDS)
    reference.program_run([os.path.join(programs, "npu-run"), graph, "--device", "cpu",
                           "--input"] + inputs + ["--output"] + outputs, TIMEOUT_SECONDS)
    found = []
    for name in outputs:
        with open(name, "rb") as file:
            found.append(file.read())
    return found


def model_check(arguments, name, work):
    """True: the same, False: not, None: TensorFlow Lite Micro refuses the model."""
    directory = os.path.join(arguments.models, name)
    path = os.path.join(directory, "model.tflite")
    interpreter = interpreter_make(path)
    if interpreter is None:
        return None
    count = len([file for file in os.listdir(directory)
                 if file.startswith("output_") and file.count(".") == 1])
    vectors = vectors_read(directory, interpreter)
    try:
        expected = micro_run(interpreter, vectors, count)
        said = [reference.difference(one, ours, FLOAT_TOLERANCE, "TensorFlow Lite Micro")
                for one, ours in
                zip(expected, ours_run(arguments.bin, path, vectors, count, work))]
        lines = [f"output {index}: {line}" for index, line in enumerate(said) if line]
    except reference.RunError as error:
        lines = [str(error)]
    print(f"{'not ok' if lines else 'ok'} - {name}, {len(vectors[0])} vectors, Micro", flush=True)
    for line in lines:
        print(f"# {line}")
    return not lines


def arguments_parse():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", default=os.path.join(top, "build", "bin"), metavar="DIRECTORY")
    parser.add_argument("--only", default="", metavar="TEXT", help="models with this text")
    parser.add_argument("models", metavar="MODEL_DIRECTORY")
    return parser.parse_args()


def main():
    arguments = arguments_parse()
    reference.venv_enter()
    results = {}
    with tempfile.TemporaryDirectory() as work:
        for name in sorted(os.listdir(arguments.models)):
            if arguments.only in name and \
                    os.path.exists(os.path.join(arguments.models, name, "model.tflite")):
                results[name] = model_check(arguments, name, work)
    refused = [name for name, result in results.items() if result is None]
    if refused:
        print("# TensorFlow Lite Micro does not take: " + ", ".join(refused))
    compared = len(results) - len(refused)
    if compared < MODELS_LEAST and not arguments.only:
        print(f"not ok - only {compared} models compared, at least {MODELS_LEAST} expected")
        return 1
    return 0 if all(result is not False for result in results.values()) else 1


if __name__ == "__main__":
    reference.exit_with(main, "check")
