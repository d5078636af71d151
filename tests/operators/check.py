#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Single operators against TensorFlow Lite's reference kernels.

usage: check.py [--count N] [--first SEED] [--only TEXT] [--keep DIRECTORY]
                [--numerics tflite-ref|tflite|tflm] [--device cpu|sim] [--bin DIRECTORY]

For every operator and type of cases.py, N models of one operator (default 8) with
random shapes and quantisation run in npu-run on the processor (or, with --device
sim, on the simulated NPU) and in the reference's interpreter. Integers must be the same in every byte, float32 within
a tolerance. --only keeps the families whose name contains TEXT; --keep leaves
the models that fail in DIRECTORY. With --numerics tflm the reference is TensorFlow
Lite Micro, for the operators and types that it has a kernel for. Prints TAP lines. Needs
the Python environments of tests/demo/make-venv.sh.
"""
import argparse
import os
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402  (found by the line above)

# Share of an output's range by which float32 results may differ.
FLOAT_TOLERANCE = 1e-5
TIMEOUT_SECONDS = 120
MICRO_ARENA_BYTES = 4 << 20
# By how much the optimised kernels differ from themselves, from one element to the next:
# what is left after whole vectors rounds as the reference. int16 functions of power-of-two
# scales have an arithmetic of their own there, and bilinear uint8 another order.
OPTIMISED_DIFFERENCES = {
    "DEPTHWISE_CONV_2D int8": 1, "TRANSPOSE_CONV int8": 1, "QUANTIZE from int8 int8": 1,
    "QUANTIZE from int8 uint8": 1, "RESIZE_BILINEAR uint8": 1, "TANH int16": 8,
    "LOGISTIC int16": 4}

# What TensorFlow Lite Micro does not do as the operator is defined, and the profile does
# not follow: it pads with memory that nothing has set before, gives all channels the first
# one's scale, takes no notice of an activation.
MICRO_DIFFERS = ("SPACE_TO_BATCH_ND int8", "CONV_2D with unpacked weights int8", "ADD int32")


def interpreter_make(data, name, numerics):
    """The reference's interpreter, or its optimised kernels without a delegate.

    Some operators have one kernel only, which counts among the optimised.
    """
    if numerics != "tflite":
        try:
            return reference.interpreter_make(data, name)
        except reference.RunError as error:
            if "Didn't find op" not in str(error):
                raise
    lite = reference.tensorflow_load().lite
    kinds = lite.experimental.OpResolverType
    try:
        with reference.stderr_quiet():
            interpreter = lite.Interpreter(
                model_content=data, num_threads=1,
                experimental_op_resolver_type=kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise reference.RunError(f"the runtime refuses the model: {error}") from error
    return interpreter


def micro_outputs(data, values, count):
    """Run TensorFlow Lite Micro; return `count` outputs, or None if it refuses the model."""
    runtime = reference.micro_load()
    with reference.stderr_quiet():
        try:
            interpreter = runtime.Interpreter.from_bytes(data, arena_size=MICRO_ARENA_BYTES)
            for index, value in enumerate(values):
                interpreter.set_input(value, index)
            interpreter.invoke()
        except RuntimeError:
            return None
    return [interpreter.get_output(index) for index in range(count)]


def int8_outputs(case, values, numerics):
    """Run the kernel of int8 on the case of uint8, all elements less 128."""
    import model
    import numpy
    twin = model.Case(case.name, [tensor.as_int8() for tensor in case.inputs],
                      [tensor.as_int8() for tensor in case.outputs], case.options)
    shifted = [(value.astype(int) - 128).astype(numpy.int8) for value in values]
    arrays = expected_outputs(twin, model.model_build(twin), shifted, numerics)
    for tensor, made in zip(case.outputs, twin.outputs):
        tensor.shape = made.shape
    return [(array.astype(int) + 128).astype(numpy.uint8) for array in arrays]


def expected_outputs(case, data, values, numerics):
    """Run the reference; return the outputs as arrays, whose shapes the case takes over."""
    if callable(case.reference):
        return case.reference(values)
    if case.reference == "int8":
        return int8_outputs(case, values, numerics)
    if case.reference == "micro":
        return micro_outputs(data, values, len(case.outputs))
    interpreter = interpreter_make(data, case.name, numerics)
    for detail, value in zip(interpreter.get_input_details(), values):
        interpreter.set_tensor(detail["index"], value)
    try:
        with reference.stderr_quiet():
            interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise reference.RunError(f"the runtime fails: {error}") from error
    arrays = [interpreter.get_tensor(detail["index"])
              for detail in interpreter.get_output_details()]
    for tensor, array in zip(case.outputs, arrays):
        tensor.shape = list(array.shape)
    return arrays


def values_make(case, rng):
    """What the case's variable inputs hold."""
    import cases
    values = []
    for index, tensor in enumerate(case.variables()):
        given = case.values[index] if index < len(case.values) else None
        values.append(cases.contents(rng, tensor.shape, tensor.dtype)
                      if given is None else given)
    return values


class Checker:
    """Runs cases one after the other in a directory."""

    def __init__(self, arguments, work):
        self.arguments = arguments
        self.work = work
        self.path = os.path.join(work, "model.tflite")
        # Families of which TensorFlow Lite Micro refuses every case.
        self.without_kernel = []
        try:
            reference.micro_load()
            self.has_micro = True
        except reference.RunError:
            self.has_micro = False

    def ours_run(self, case, values):
        """Compile and run; return the outputs as bytes."""
        graph = os.path.join(self.work, "model.npu")
        reference.program_run([os.path.join(self.arguments.bin, "npuc"), self.path, "-o", graph,
                               "--numerics", self.arguments.numerics], TIMEOUT_SECONDS)
        inputs, outputs = [], []
        for index, value in enumerate(values):
            inputs.append(os.path.join(self.work, f"input_{index}.bin"))
            with open(inputs[-1], "wb") as file:
                file.write(value.tobytes())
        for index in range(len(case.outputs)):
            outputs.append(os.path.join(self.work, f"output_{index}.bin"))
        reference.program_run([os.path.join(self.arguments.bin, "npu-run"), graph, "--device",
                               self.arguments.device, "--input"] + inputs +
                              ["--output"] + outputs, TIMEOUT_SECONDS)
        found = []
        for path in outputs:
            with open(path, "rb") as file:
                found.append(file.read())
        return found

    def case_check(self, make, seed, allowed):
        """Make one case, run it on both sides, return what is wrong with it.

        None: TensorFlow Lite Micro has no kernel for it.
        """
        import model
        import numpy
        rng = numpy.random.default_rng(seed)
        case = make(rng)
        values = values_make(case, rng)
        expected = expected_outputs(case, model.model_build(case), values,
                                    self.arguments.numerics)
        data = model.model_build(case)
        if self.arguments.numerics == "tflm":
            expected = micro_outputs(data, values, len(case.outputs))
            if expected is None:
                return None
        with open(self.path, "wb") as file:
            file.write(data)
        try:
            said = [reference.difference(one, ours, FLOAT_TOLERANCE, "the reference", allowed)
                    for one, ours in zip(expected, self.ours_run(case, values))]
            lines = [f"output {index}: {line}" for index, line in enumerate(said) if line]
        except reference.RunError as error:
            lines = [str(error)]
        return [case.describe()] + lines if lines else []

    def keep(self, name):
        if self.arguments.keep:
            os.makedirs(self.arguments.keep, exist_ok=True)
            with open(self.path, "rb") as file, \
                    open(os.path.join(self.arguments.keep, name.replace(" ", "-") + ".tflite"),
                         "wb") as copy:
                copy.write(file.read())

    def needs_micro(self, name, make):
        """Whether only TensorFlow Lite Micro can say what the family's bytes are."""
        import numpy
        return self.arguments.numerics == "tflm" or \
            make(numpy.random.default_rng(zlib.crc32(name.encode()))).reference == "micro"

    def family_check(self, name, make):
        """All cases of one operator and type; returns whether they are right."""
        allowed = OPTIMISED_DIFFERENCES.get(name, 0) if self.arguments.numerics == "tflite" else 0
        compared = 0
        if not self.has_micro and self.needs_micro(name, make):
            print(f"ok - {name} # SKIP no TensorFlow Lite Micro: run "
                  "tests/demo/make-venv.sh tflite_micro")
            return True
        for number in range(self.arguments.first, self.arguments.first + self.arguments.count):
            try:
                lines = self.case_check(make, [number, zlib.crc32(name.encode())], allowed)
            except reference.RunError as error:
                lines = [str(error)]
            compared += lines is not None
            if lines:
                print(f"not ok - {name}: seed {number}")
                print("\n".join("# " + line for text in lines for line in text.split("\n")))
                self.keep(f"{name}-{number}")
                return False
        if not compared:
            self.without_kernel.append(name)
            return True
        profile = {"tflite": ", optimised", "tflm": ", Micro"}.get(self.arguments.numerics, "")
        device = "" if self.arguments.device == "cpu" else ", simulated"
        print(f"ok - {name}: {compared} cases{profile}{device}", flush=True)
        return True


def arguments_parse():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=8, metavar="N", help="cases a family")
    parser.add_argument("--first", type=int, default=1, metavar="SEED", help="first seed")
    parser.add_argument("--only", default="", metavar="TEXT", help="families with this text")
    parser.add_argument("--keep", metavar="DIRECTORY", help="where models that fail go")
    parser.add_argument("--numerics", choices=["tflite-ref", "tflite", "tflm"],
                        default="tflite-ref")
    parser.add_argument("--device", choices=["cpu", "sim"], default="cpu")
    parser.add_argument("--bin", default=os.path.join(top, "build", "bin"), metavar="DIRECTORY")
    return parser.parse_args()


def main():
    arguments = arguments_parse()
    reference.venv_enter()
    reference.tensorflow_load()
    import cases
    import index_cases  # noqa: F401  (these add their families to those of cases)
    import float_cases  # noqa: F401
    import network_cases  # noqa: F401
    import recurrent_cases  # noqa: F401
    import rank_cases  # noqa: F401  (of the others' families, which have to be there)
    failed, run = 0, 0
    with tempfile.TemporaryDirectory() as work:
        checker = Checker(arguments, work)
        for name, make in cases.FAMILIES.items():
            if arguments.numerics == "tflm" and name in MICRO_DIFFERS:
                continue
            if arguments.only in name:
                run += 1
                failed += not checker.family_check(name, make)
    if checker.without_kernel:
        print("# no kernel in TensorFlow Lite Micro: " + ", ".join(checker.without_kernel))
        run -= len(checker.without_kernel)
    print(f"# {run} operators and types, {failed} wrong")
    if not run:
        print(f"not ok - no operator's name contains {arguments.only}")
    return 1 if failed or not run else 0


if __name__ == "__main__":
    reference.exit_with(main, "check")
