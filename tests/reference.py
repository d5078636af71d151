#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a .tflite model with the reference kernels of TensorFlow Lite 2.14.1.

The reference kernels (BUILTIN_REF, one thread, no delegate) define the bytes
that the tflite-ref numerics profile has to give. This program writes a model's
outputs, the CRC-32 of every operator output (layers.json), and, to find out
where an implementation goes wrong, the raw bytes of every operator output.

It needs the Python environment that tests/demo/make-venv.sh makes, and starts
itself again in it.

Exit code: 0 done (and equal, with --check), 1 not equal, 2 bad usage or input.
"""

import argparse
import contextlib
import hashlib
import json
import os
import struct
import subprocess
import sys
import zlib

REFERENCE_VERSION = "2.14.1"
MICRO_VERSION = "0.dev20261023182759"
LAYERS_DESCRIPTION = ("CRC-32 (as in zlib) of the raw bytes of every operator output in "
                      "the reference run, for the listed input vectors")
# Where a field's offset stands in the vtable of its flatbuffer table, after the
# vtable's own two 16-bit words: QuantizationParameters.quantized_dimension is
# field 6, SubGraph.outputs field 2.
VTABLE_QUANTIZED_DIMENSION = 4 + 2 * 6
VTABLE_SUBGRAPH_OUTPUTS = 4 + 2 * 2
# SVDF's operands: input, feature weights, time weights, bias, state.
SVDF_STATE_INPUT = 4
RESOURCE_TYPES = ("RESOURCE", "VARIANT")


class RunError(Exception):
    """Something about the model or its input that the user has to know."""


def venv_python():
    """Return the path of the interpreter that make-venv.sh makes."""
    cache = os.environ.get("KESTREL_CACHE") or os.path.expanduser("~/.cache/kestrel")
    return os.path.join(cache, f"tensorflow-{REFERENCE_VERSION}", "bin", "python")


def venv_enter():
    """Start this program again in the environment that has TensorFlow, unless it runs there."""
    python = venv_python()
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.dirname(os.path.dirname(python))):
        return
    if not os.path.exists(python):
        raise RunError(f"{python} does not exist: run tests/demo/make-venv.sh first")
    os.execv(python, [python] + sys.argv)


def tensorflow_load():
    """Import TensorFlow quietly; refuse any version but the reference's."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow
    if tensorflow.__version__ != REFERENCE_VERSION:
        raise RunError(f"TensorFlow is {tensorflow.__version__}, the reference is "
                             f"{REFERENCE_VERSION}: run tests/demo/make-venv.sh")
    return tensorflow


def micro_load():
    """Import TensorFlow Lite Micro's interpreter from the environment that make-venv.sh made."""
    cache = os.environ.get("KESTREL_CACHE") or os.path.expanduser("~/.cache/kestrel")
    packages = os.path.join(cache, f"tflite_micro-{MICRO_VERSION}", "lib", "python3.11",
                            "site-packages")
    if not os.path.exists(packages):
        raise RunError(f"{packages} does not exist: run tests/demo/make-venv.sh tflite_micro first")
    if packages not in sys.path:
        # Behind TensorFlow's own: only what is not there comes from it.
        sys.path.append(packages)
    from tflite_micro.python.tflite_micro import runtime
    return runtime


@contextlib.contextmanager
def stderr_quiet():
    """Drop what the runtime's C++ code writes to the standard error meanwhile."""
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def program_run(arguments, seconds):
    """Run a program; a RunError says what it says if it fails."""
    result = subprocess.run(arguments, capture_output=True, text=True, check=False,
                            timeout=seconds)
    if result.returncode:
        raise RunError(f"{os.path.basename(arguments[0])}: exit code {result.returncode}: "
                       f"{result.stderr.strip()}")


def difference(expected, found, tolerance, runtime, allowed=0):
    """Say how the bytes `found` differ from the array that a runtime gives; else "".

    float32 may differ by `tolerance` of the output's range, integers by `allowed`.
    """
    import numpy
    ours = numpy.frombuffer(found, expected.dtype)
    theirs = expected.reshape(-1)
    if ours.size != theirs.size:
        return f"{ours.size} elements, {runtime} gives {theirs.size}"
    if expected.dtype == numpy.float32:
        finite = numpy.isfinite(theirs)
        span = float(numpy.max(numpy.abs(theirs[finite]))) if finite.any() else 1.0
        differ = ~(numpy.isclose(ours, theirs, rtol=0, atol=max(span, 0.1) * tolerance) |
                   (ours == theirs) | (numpy.isnan(ours) & numpy.isnan(theirs)))
    else:
        differ = ours != theirs
        if allowed:
            differ = abs(ours.astype("int64") - theirs) > allowed
    if not differ.any():
        return ""
    at = int(numpy.argmax(differ))
    return f"{int(differ.sum())} of {ours.size} elements differ, first {at}: {ours[at]}, " \
           f"{runtime}'s {theirs[at]}"


def exit_with(main, name):
    """Exit as main() says: 2, after a message of the program `name`, for a RunError."""
    try:
        sys.exit(main())
    except RunError as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        sys.exit(2)


def schema_module():
    """Return TensorFlow's generated reader of the .tflite format."""
    tensorflow_load()
    from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def enum_names(cls):
    """Map the values of a generated flatbuffer enum to their names."""
    return {value: name for name, value in vars(cls).items() if not name.startswith("_")}


def dimensions_mend(data):
    """Make 0 of every quantised dimension that its tensor does not have.

    Some published files say that the bias, a vector, is quantised along dimension
    3. It means nothing, but the loader refuses it.
    """
    model = schema_module().Model.GetRootAsModel(data, 0)
    for subgraph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(subgraph.Tensors, range(subgraph.TensorsLength())):
            quantization = tensor.Quantization()
            if quantization is None or quantization.ScaleLength() == 0:
                continue
            if quantization.QuantizedDimension() < max(tensor.ShapeLength(), 1):
                continue
            table = quantization._tab
            position = table.Pos + table.Offset(VTABLE_QUANTIZED_DIMENSION)
            data[position:position + 4] = bytes(4)


def model_load(path):
    """Return the bytes of the model at path, in a form that the loader accepts."""
    try:
        with open(path, "rb") as file:
            data = bytearray(file.read())
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}") from error
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise RunError(f"{path}: not a TensorFlow Lite model (no TFL3 at offset 4)")
    try:
        dimensions_mend(data)
    except struct.error as error:
        raise RunError(f"{path}: truncated or malformed model: {error}") from error
    return bytes(data)


def matmul_overreads(schema, subgraph, operator):
    """Whether a BATCH_MATMUL transposes the left side and has fewer matrices on the right."""
    options = schema.BatchMatMulOptions()
    table = operator.BuiltinOptions()
    if table is None:
        return False
    options.Init(table.Bytes, table.Pos)
    left, right = (subgraph.Tensors(operator.Inputs(i)).ShapeAsNumpy() for i in range(2))
    return bool(options.AdjX()) and left[:-2].prod() > right[:-2].prod()


def model_check(data, name):
    """Refuse what the runtime has no kernel for, or a kernel with a known fault."""
    schema = schema_module()
    model = schema.Model.GetRootAsModel(data, 0)
    subgraph = model.Subgraphs(0)
    for index in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(index)
        code = operator_code(schema, model.OperatorCodes(operator.OpcodeIndex()))
        if code == schema.BuiltinOperator.BATCH_MATMUL:
            if matmul_overreads(schema, subgraph, operator):
                raise RunError(f"{name}: operator {index} (BATCH_MATMUL) transposes its left "
                               "matrices and repeats those on the right, beyond which "
                               f"TensorFlow Lite {REFERENCE_VERSION} then reads")
            continue
        if code == schema.BuiltinOperator.SVDF:
            tensor, what = SVDF_STATE_INPUT, "(SVDF) keeps int8 state, for which"
            why = "has no kernel"
        elif code == schema.BuiltinOperator.SUM:
            tensor, what = 0, "(SUM) adds int8 elements, which"
            why = "reads as uint8"
        else:
            continue
        if subgraph.Tensors(operator.Inputs(tensor)).Type() == schema.TensorType.INT8:
            raise RunError(f"{name}: operator {index} {what} TensorFlow Lite "
                           f"{REFERENCE_VERSION} {why}")


def model_expose(data, tensors):
    """Return the model with the given tensors as further outputs after its own.

    The runtime lets an ADD overwrite its operand, even when it is told to preserve
    all tensors. An output of the model it leaves alone.
    """
    subgraph = schema_module().Model.GetRootAsModel(data, 0).Subgraphs(0)
    outputs = [int(tensor) for tensor in subgraph.OutputsAsNumpy()]
    outputs += [tensor for tensor in dict.fromkeys(tensors) if tensor not in outputs]
    data = bytearray(data) + bytes(-len(data) % 4)
    field = subgraph._tab.Pos + subgraph._tab.Offset(VTABLE_SUBGRAPH_OUTPUTS)
    data[field:field + 4] = (len(data) - field).to_bytes(4, "little")
    for value in [len(outputs)] + outputs:
        data += value.to_bytes(4, "little")
    return bytes(data)


def interpreter_make(data, name):
    """Return an interpreter with reference kernels only, its tensors allocated."""
    lite = tensorflow_load().lite
    model_check(data, name)
    try:
        with stderr_quiet():
            interpreter = lite.Interpreter(
                model_content=data, num_threads=1,
                experimental_op_resolver_type=lite.experimental.OpResolverType.BUILTIN_REF)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{name}: the reference runtime refuses the model: {error}") from error
    return interpreter


def vectors_read(files, details):
    """Read one tensor file per model input; return the number of vectors and the arrays."""
    import numpy
    if len(files) != len(details):
        raise RunError(f"the model has {len(details)} inputs, but {len(files)} input "
                             "files are given")
    inputs, count = [], None
    for path, detail in zip(files, details):
        size = int(numpy.prod(detail["shape"])) * numpy.dtype(detail["dtype"]).itemsize
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise RunError(f"{path}: {error.strerror}") from error
        if not data or len(data) % size:
            raise RunError(f"{path}: {len(data)} bytes is no multiple of the {size} bytes "
                                 f"of input '{detail['name']}'")
        if count is not None and len(data) // size != count:
            raise RunError(f"{path}: holds {len(data) // size} vectors, "
                                 f"'{files[0]}' {count}")
        count = len(data) // size
        values = numpy.frombuffer(data, detail["dtype"])
        inputs.append(values.reshape([count] + list(detail["shape"])))
    return count, inputs


def operators_read(data):
    """List (operator index, name, output number, tensor) of the main subgraph's outputs.

    Outputs without bytes of their own (resource handles) are left out.
    """
    schema = schema_module()
    model = schema.Model.GetRootAsModel(data, 0)
    names = enum_names(schema.BuiltinOperator)
    types = enum_names(schema.TensorType)
    subgraph = model.Subgraphs(0)
    rows = []
    for index in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(index)
        for output in range(operator.OutputsLength()):
            tensor = operator.Outputs(output)
            if tensor >= 0 and types[subgraph.Tensors(tensor).Type()] not in RESOURCE_TYPES:
                name = operator_name(schema, names, model.OperatorCodes(operator.OpcodeIndex()))
                rows.append((index, name, output, tensor))
    return rows


def operator_code(schema, opcode):
    """Return the operator's number, which old files keep in a narrower field."""
    return max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode())


def operator_name(schema, names, opcode):
    """Return CONV_2D and the like, or CUSTOM:<name>."""
    code = operator_code(schema, opcode)
    if code == schema.BuiltinOperator.CUSTOM:
        return "CUSTOM:" + opcode.CustomCode().decode()
    return names[code]


def model_run(data, name, input_files, watched=(), reset_state=False, on_operator=None):
    """Run every vector of the input files; return one bytes object per model output.

    For the vectors in watched, on_operator(vector, row, array) is called for every
    operator output; row is one of operators_read(). State is carried from one
    vector to the next, unless reset_state.
    """
    import numpy
    rows = operators_read(data) if watched else []
    output_count = len(interpreter_make(data, name).get_output_details())
    if rows:
        data = model_expose(data, [row[3] for row in rows])
    interpreter = interpreter_make(data, name)
    count, inputs = vectors_read(input_files, interpreter.get_input_details())
    if watched and not 0 <= min(watched) <= max(watched) < count:
        raise RunError(f"vectors {sorted(watched)} asked for, but there are 0 to {count - 1}")
    outputs = [bytearray() for _ in range(output_count)]
    for vector in range(count):
        if reset_state and vector:
            interpreter = interpreter_make(data, name)
        for detail, values in zip(interpreter.get_input_details(), inputs):
            interpreter.set_tensor(detail["index"], values[vector])
        try:
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise RunError(f"{name}: vector {vector}: {error}") from error
        for output, detail in zip(outputs, interpreter.get_output_details()):
            output += numpy.ascontiguousarray(interpreter.get_tensor(detail["index"])).tobytes()
        if vector in watched:
            for row in rows:
                on_operator(vector, row, interpreter.get_tensor(row[3]))
    return [bytes(output) for output in outputs]


class LayerRecord:
    """Collects operator outputs as layers.json and, if asked for, as files."""

    def __init__(self, vectors, directory=None):
        self.vectors = sorted(vectors)
        self.directory = directory
        self.operators = {}
        self.files = set()

    def add(self, vector, row, array):
        index, name, output, tensor = row
        data = array.tobytes()
        entry = self.operators.setdefault((index, output), {
            "operator": index, "op": name, "output": output, "tensor": tensor,
            "dtype": str(array.dtype), "shape": list(array.shape), "bytes": len(data),
            "crc32": {}})
        entry["crc32"][str(vector)] = f"{zlib.crc32(data):08x}"
        if self.directory:
            path = os.path.join(self.directory, f"op_{index}_tensor_{tensor}.bin")
            with open(path, "ab" if path in self.files else "wb") as file:
                file.write(data)
            self.files.add(path)

    def layers(self):
        return {"description": LAYERS_DESCRIPTION, "vectors": self.vectors,
                "operators": list(self.operators.values())}


def layers_write(layers, path):
    """Write layers.json with one operator a line, so that a diff can be read."""
    lines = ",\n".join("  " + json.dumps(entry) for entry in layers["operators"])
    with open(path, "w", encoding="utf-8") as file:
        file.write('{\n "description": %s,\n "vectors": %s,\n "operators": [\n%s\n ]\n}\n' % (
            json.dumps(layers["description"]), json.dumps(layers["vectors"]), lines))


def layers_compare(expected, found):
    """Return a line for every operator output whose CRC differs, in execution order."""
    lines = []
    have = {(entry["operator"], entry["output"]): entry for entry in found["operators"]}
    for entry in expected["operators"]:
        key = (entry["operator"], entry["output"])
        label = f"operator {key[0]} ({entry['op']}) output {key[1]} tensor {entry['tensor']}"
        mine = have.pop(key, None)
        if mine is None:
            lines.append(f"{label}: missing")
            continue
        for vector, crc in entry["crc32"].items():
            if mine["crc32"].get(vector) != crc:
                lines.append(f"{label} vector {vector}: CRC {mine['crc32'].get(vector)}, "
                             f"expected {crc}")
    for key in have:
        lines.append(f"operator {key[0]} output {key[1]}: not expected")
    return lines


def tensor_type(schema, subgraph, index):
    """Return a tensor's type as model.json writes it, or 'none' for an absent one."""
    if index < 0:
        return "none"
    return enum_names(schema.TensorType)[subgraph.Tensors(index).Type()].lower()


def operator_macs(schema, subgraph, operator, name):
    """Count multiply-accumulates of one operator, taps on padding included."""
    def shape(index):
        return [int(size) for size in subgraph.Tensors(index).ShapeAsNumpy()]

    def product(sizes):
        result = 1
        for size in sizes:
            result *= size
        return result

    if name == "CONV_2D":
        return product(shape(operator.Outputs(0))) * product(shape(operator.Inputs(1))[1:])
    if name == "DEPTHWISE_CONV_2D":
        return product(shape(operator.Outputs(0))) * product(shape(operator.Inputs(1))[1:3])
    if name == "FULLY_CONNECTED":
        return product(shape(operator.Outputs(0))) * shape(operator.Inputs(1))[1]
    return 0


def tensor_describe(detail):
    """Describe one model input or output as model.json does."""
    import numpy
    shape = [int(size) for size in detail["shape"]]
    dtype = numpy.dtype(detail["dtype"])
    entry = {"name": detail["name"], "dtype": dtype.name, "shape": shape,
             "bytes_per_vector": int(numpy.prod(shape)) * dtype.itemsize}
    scale, zero_point = detail["quantization"]
    if scale:
        entry["scale"] = float(scale)
        entry["zero_point"] = int(zero_point)
    return entry


def model_describe(path):
    """Return the part of model.json that follows from the model file alone.

    "macs" counts CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.
    """
    schema = schema_module()
    data = model_load(path)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    model = schema.Model.GetRootAsModel(data, 0)
    names = enum_names(schema.BuiltinOperator)
    ops, versions, signatures, macs = {}, {}, {}, 0
    subgraph = model.Subgraphs(0)
    for operator in map(subgraph.Operators, range(subgraph.OperatorsLength())):
        opcode = model.OperatorCodes(operator.OpcodeIndex())
        op = operator_name(schema, names, opcode)
        ops[op] = ops.get(op, 0) + 1
        versions[op] = max(versions.get(op, 0), opcode.Version())
        signature = (op, ",".join(tensor_type(schema, subgraph, operator.Inputs(index))
                                  for index in range(operator.InputsLength())),
                     ",".join(tensor_type(schema, subgraph, operator.Outputs(index))
                              for index in range(operator.OutputsLength())))
        signatures[signature] = signatures.get(signature, 0) + 1
        macs += operator_macs(schema, subgraph, operator, op)
    buffers = {subgraph.Tensors(index).Buffer() for index in range(subgraph.TensorsLength())}
    interpreter = interpreter_make(data, path)
    return {
        "file_bytes": len(data),
        "sha256": digest,
        "weight_bytes": sum(model.Buffers(index).DataLength() for index in sorted(buffers)),
        "macs": macs,
        "subgraphs": model.SubgraphsLength(),
        "ops": ops,
        "op_versions": versions,
        "op_signatures": [{"op": op, "in": inputs, "out": outputs, "count": count}
                          for (op, inputs, outputs), count in signatures.items()],
        "inputs": [tensor_describe(detail) for detail in interpreter.get_input_details()],
        "outputs": [tensor_describe(detail) for detail in interpreter.get_output_details()],
    }


def vectors_parse(text):
    """Turn '0,6' into a sorted list of distinct numbers."""
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no list like 0,6") from error


def arguments_parse():
    parser = argparse.ArgumentParser(
        description="Run a .tflite model with the reference kernels of TensorFlow Lite "
                    f"{REFERENCE_VERSION}.",
        epilog="A tensor file holds vectors back to back without a header. In --dump's files "
               "the chosen vectors lie back to back too.")
    parser.add_argument("model", help="the .tflite file")
    parser.add_argument("--input", nargs="+", metavar="FILE",
                        help="one tensor file per model input, in model order")
    parser.add_argument("--output", nargs="+", metavar="FILE",
                        help="one tensor file to write per model output, in model order")
    parser.add_argument("--vectors", type=vectors_parse, metavar="N,N...",
                        help="the vectors that --layers and --dump look at (default: those of "
                             "--check, else all)")
    parser.add_argument("--layers", metavar="FILE",
                        help="write the CRC-32 of every operator output, as layers.json")
    parser.add_argument("--dump", metavar="DIR",
                        help="write every operator output's bytes to "
                             "DIR/op_<operator>_tensor_<tensor>.bin")
    parser.add_argument("--check", metavar="FILE",
                        help="compare with this layers.json; name the operators that differ")
    parser.add_argument("--describe", metavar="FILE",
                        help="write what the model file says of itself, as in model.json")
    parser.add_argument("--reset-state", action="store_true",
                        help="clear the state of a streaming model before every vector")
    arguments = parser.parse_args()
    if not arguments.input and (arguments.output or arguments.layers or arguments.dump
                                or arguments.check):
        parser.error("--output, --layers, --dump and --check need --input")
    if not arguments.input and not arguments.describe:
        parser.error("nothing to do: give --input or --describe")
    return arguments


def main():
    arguments = arguments_parse()
    venv_enter()
    data = model_load(arguments.model)
    if arguments.describe:
        with open(arguments.describe, "w", encoding="utf-8") as file:
            json.dump(model_describe(arguments.model), file, indent=1)
            file.write("\n")
    if not arguments.input:
        return 0

    expected, watched = None, []
    if arguments.check:
        with open(arguments.check, encoding="utf-8") as file:
            expected = json.load(file)
    if arguments.layers or arguments.dump or arguments.check:
        watched = arguments.vectors
        if watched is None and expected:
            watched = expected["vectors"]
        if watched is None:
            interpreter = interpreter_make(data, arguments.model)
            watched = range(vectors_read(arguments.input, interpreter.get_input_details())[0])
    if expected and set(watched) != set(expected["vectors"]):
        raise RunError(f"{arguments.check} is for the vectors {expected['vectors']}")
    if arguments.dump:
        os.makedirs(arguments.dump, exist_ok=True)
    record = LayerRecord(watched, arguments.dump)
    outputs = model_run(data, arguments.model, arguments.input, watched,
                        arguments.reset_state, record.add)
    if arguments.output:
        if len(arguments.output) != len(outputs):
            raise RunError(f"the model has {len(outputs)} outputs, but "
                                 f"{len(arguments.output)} output files are given")
        for path, output in zip(arguments.output, outputs):
            with open(path, "wb") as file:
                file.write(output)
    if arguments.layers:
        layers_write(record.layers(), arguments.layers)
    if expected:
        differences = layers_compare(expected, record.layers())
        for line in differences:
            print(f"{arguments.model}: {line}", file=sys.stderr)
        print(f"{arguments.model}: {len(differences)} differences in "
              f"{len(expected['operators'])} operator outputs of {len(watched)} vectors")
        return 1 if differences else 0
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RunError, OSError, json.JSONDecodeError) as failure:
        print(f"reference: {failure}", file=sys.stderr)
        sys.exit(2)
