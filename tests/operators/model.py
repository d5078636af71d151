# SPDX-License-Identifier: MIT
"""Builds .tflite models: of one operator, or of graphs of them."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402  (found by the line above)

SCHEMA_VERSION = 3
INTEGER_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
# Where the runtime does not take version 1.
VERSIONS = {"BROADCAST_TO": 2}
TENSOR_TYPES = {"float32": "FLOAT32", "int32": "INT32", "uint8": "UINT8", "int64": "INT64",
                "bool": "BOOL", "int16": "INT16", "int8": "INT8", "resource": "RESOURCE"}


class Tensor:
    """A tensor; scales are one number, or one for each step along an axis."""

    def __init__(self, shape, dtype, scales=None, zero_points=0, axis=0, data=None):
        self.shape = [int(size) for size in shape]
        self.dtype = dtype
        self.scales = scales
        self.zero_points = zero_points
        self.axis = axis
        self.data = data
        # Kept from run to run.
        self.is_state = False

    def as_int8(self):
        """The same real values in int8, of a tensor of uint8 without contents."""
        return Tensor(self.shape, "int8", self.scales, self.zero_points - 128)

    def like(self, shape=None):
        """Another tensor of the same type and quantisation."""
        return Tensor(self.shape if shape is None else shape, self.dtype, self.scales,
                      self.zero_points, self.axis)


class Case:
    """One operator: its name, options, operands, and what the variable inputs hold.

    The shapes of the outputs are what the reference finds.
    """

    def __init__(self, name, inputs, outputs, options=None):
        self.name = name
        self.inputs = inputs
        self.outputs = outputs if isinstance(outputs, list) else [outputs]
        self.options = options
        self.values = []
        # Operators that run before this one and make some of its inputs.
        self.before = []
        # Those of the graph that CALL_ONCE names, if one of `before` is that.
        self.once = []
        # Tensors that only say how values between the steps of an operator are quantised.
        self.intermediates = []
        # What gives the expected bytes where TensorFlow Lite has no kernel, or a wrong one:
        # "micro", TensorFlow Lite Micro; "int8", its kernel of int8, of all uint8 less 128; a
        # function of the list of input arrays, which returns that of the outputs. All but
        # "int8" want the shapes of the outputs.
        self.reference = None

    def variables(self):
        """The inputs that are neither constants nor made by an operator, each once, in order."""
        made = [tensor for case in self.before for tensor in case.outputs]
        found = []
        for case in self.before + [self]:
            for tensor in case.inputs:
                if tensor is not None and tensor.data is None and not tensor.is_state and \
                        not any(tensor is other for other in made + found):
                    found.append(tensor)
        return found

    def describe(self):
        def text(tensor):
            if tensor is None:
                return "none"
            quantised = "" if tensor.scales is None or hasattr(tensor.scales, "__len__") \
                else f" {tensor.scales:.6g} {tensor.zero_points}"
            return f"{tensor.dtype}{tensor.shape}{quantised}" + \
                ("" if tensor.data is None else " constant")
        return f"{self.name} {self.options or ''}: {', '.join(map(text, self.inputs))} -> " + \
            ", ".join(map(text, self.outputs))


def listed(value):
    return list(value) if hasattr(value, "__len__") else [value]


def tensor_pack(schema, model, tensor, name):
    """Adds the tensor's contents to the model and returns its record."""
    packed = schema.TensorT()
    packed.name = name.encode()
    packed.shape = tensor.shape
    packed.type = getattr(schema.TensorType, TENSOR_TYPES[tensor.dtype])
    packed.buffer = 0
    packed.isVariable = tensor.is_state
    if tensor.data is not None:
        contents = schema.BufferT()
        contents.data = list(tensor.data.tobytes())
        packed.buffer = len(model.buffers)
        model.buffers.append(contents)
    if tensor.scales is not None:
        packed.quantization = schema.QuantizationParametersT()
        packed.quantization.scale = [float(scale) for scale in listed(tensor.scales)]
        zero_points = listed(tensor.zero_points)
        if len(zero_points) == 1:
            zero_points *= len(packed.quantization.scale)
        packed.quantization.zeroPoint = [int(point) for point in zero_points]
        packed.quantization.quantizedDimension = tensor.axis
    return packed


def operator_pack(schema, case, code, number):
    """The operator's record; number() gives the index of a tensor."""
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs = [-1 if tensor is None else number(tensor) for tensor in case.inputs]
    operator.outputs = [number(tensor) for tensor in case.outputs]
    if case.intermediates:
        operator.intermediates = [number(tensor) for tensor in case.intermediates]
    if case.options:
        name, fields = case.options
        options = getattr(schema, name + "T")()
        for field, value in fields.items():
            setattr(options, field, value)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = options
    return operator


def code_number(schema, model, name):
    """The index of the operator's code in the model, which gets it if it has none."""
    builtin = getattr(schema.BuiltinOperator, name)
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = builtin
    code.deprecatedBuiltinCode = min(builtin, 127)
    code.version = VERSIONS.get(name, 1)
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def subgraph_pack(schema, model, name, cases, inputs, outputs):
    """Adds a graph of operators, each a Case, in the order in which they run."""
    graph = schema.SubGraphT()
    graph.name = name.encode()
    graph.tensors, graph.operators = [], []
    numbers = {}

    def number(tensor):
        if id(tensor) not in numbers:
            numbers[id(tensor)] = len(graph.tensors)
            graph.tensors.append(tensor_pack(schema, model, tensor, f"t{len(graph.tensors)}"))
        return numbers[id(tensor)]

    for case in cases:
        graph.operators.append(operator_pack(schema, case, code_number(schema, model, case.name),
                                             number))
    graph.inputs = [number(tensor) for tensor in inputs]
    graph.outputs = [number(tensor) for tensor in outputs]
    model.subgraphs.append(graph)


def graphs_build(graphs):
    """The bytes of a model of one or more graphs, each (name, cases, inputs, outputs)."""
    import flatbuffers
    schema = reference.schema_module()
    model = schema.ModelT()
    model.version = SCHEMA_VERSION
    model.buffers = [schema.BufferT()]
    model.operatorCodes, model.subgraphs = [], []
    for graph in graphs:
        subgraph_pack(schema, model, *graph)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def model_build(case):
    """The bytes of a model of the case's operator and those before it, and nothing else."""
    graphs = [("main", case.before + [case], case.variables(), case.outputs)]
    return graphs_build(graphs + [("once", case.once, [], [])] if case.once else graphs)
