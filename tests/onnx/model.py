# SPDX-License-Identifier: MIT
"""Makes small ONNX models of random shapes and quantisation."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ELEMENTS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int8): TensorProto.INT8,
            np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int32): TensorProto.INT32,
            np.dtype(np.int64): TensorProto.INT64}


def session(data):
    """ONNX Runtime without any optimisation: the definition step by step."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Model:
    """Nodes, constants and the tensors that go in and out."""

    def __init__(self, rng, opset=None):
        self.rng = rng
        self.opset = opset or int(rng.choice([13, 15, 17, 18, 19, 21]))
        self.nodes, self.constants, self.inputs, self.outputs, self.data = [], [], [], [], []
        self.types = {}
        # What ONNX Runtime is given in place of the nodes; None: the nodes.
        self.definition = None
        # Weights of four bits.
        self.int4_elements = 0

    def name(self):
        return f"t{len(self.types)}"

    def constant(self, value):
        name = self.name()
        self.types[name] = None
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator, inputs, domain="", outputs=1, **attributes):
        names = []
        for _ in range(outputs):
            names.append(self.name())
            self.types[names[-1]] = None
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def replace(self, operator, inputs, output, domain="", **attributes):
        """One node for all so far, which say what it is where ONNX Runtime has no kernel."""
        self.definition = self.nodes
        self.nodes = [helper.make_node(operator, inputs, [output], domain=domain, **attributes)]

    def byte(self):
        return np.dtype(self.rng.choice(["int8", "uint8"]))

    def scale(self, low=0.01, high=0.1):
        """Any, or a power of two, where ties are common."""
        if self.rng.random() < 0.3:
            return np.float32(2.0 ** int(self.rng.integers(-7, -2)))
        return np.float32(self.rng.uniform(low, high))

    def zero_point(self, dtype):
        limits = np.iinfo(dtype)
        choices = [limits.min, limits.max, (limits.min + limits.max + 1) // 2]
        if self.rng.random() < 0.5:
            return dtype.type(self.rng.choice(choices))
        return dtype.type(self.rng.integers(limits.min, limits.max, endpoint=True))

    def parameters(self, dtype=None, scale=None, zero_point=None):
        dtype = np.dtype(dtype) if dtype is not None else self.byte()
        return (self.constant(self.scale() if scale is None else np.float32(scale)),
                self.constant(self.zero_point(dtype) if zero_point is None
                              else dtype.type(zero_point)))

    def quantise(self, x, parameters=None):
        return self.node("QuantizeLinear", [x, *(parameters or self.parameters())])

    def requantise(self, x, parameters=None):
        """Through integers and back: the frame of an operator."""
        parameters = parameters or self.parameters()
        return self.node("DequantizeLinear", [self.quantise(x, parameters), *parameters])

    def input(self, shape, dtype=np.float32, spread=6.0):
        name = f"input{len(self.inputs)}"
        dtype = np.dtype(dtype)
        self.inputs.append(helper.make_tensor_value_info(name, ELEMENTS[dtype], shape))
        if dtype == np.float32:
            value = self.rng.normal(0, spread / 3, shape).astype(np.float32)
        else:
            limits = np.iinfo(dtype)
            value = self.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        self.data.append(value)
        return name

    def fitting(self, x, dtype=None):
        """Parameters under which most of what x holds is told apart, and some clipped."""
        dtype = np.dtype(dtype) if dtype is not None else self.byte()
        value, = self.run([helper.make_tensor_value_info(x, TensorProto.FLOAT, None)])
        low, high = min(float(value.min()), 0), max(float(value.max()), 0)
        scale = np.float32(max(high - low, 1e-3) / 255 * self.rng.uniform(0.8, 1.5))
        if self.rng.random() < 0.3:
            scale = np.float32(2.0 ** np.ceil(np.log2(scale)))
        limits = np.iinfo(dtype)
        zero_point = np.clip(round(limits.min - low / float(scale)), limits.min, limits.max)
        return self.parameters(dtype, scale, zero_point)

    def real(self, shape):
        """A dequantised input."""
        return self.requantise(self.input(shape))

    def weights(self, shape, axis=None, dtype=None):
        """A dequantised constant, with a scale along `axis` if that is not None."""
        dtype = np.dtype(dtype) if dtype is not None else self.byte()
        limits = np.iinfo(dtype)
        values = self.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        if axis is None:
            parameters = self.parameters(dtype, scale=self.scale(0.002, 0.02))
            return self.node("DequantizeLinear", [self.constant(values), *parameters])
        scales = np.array([self.scale(0.002, 0.02) for _ in range(shape[axis])], np.float32)
        zeros = np.full(shape[axis], 0 if dtype == np.int8 else 128, dtype)
        return self.node("DequantizeLinear", [self.constant(values), self.constant(scales),
                                              self.constant(zeros)], axis=axis)

    def int4_weights(self, shape, axis=None):
        """A dequantised constant of four bits, with a scale along `axis` if not None."""
        kind, low = ((TensorProto.INT4, -8), (TensorProto.UINT4, 0))[self.rng.integers(0, 2)]
        count = 1 if axis is None else shape[axis]
        zero = 0 if low and axis is not None else int(self.rng.integers(low, low + 16))
        self.int4_elements += int(np.prod(shape))
        names = []
        for dims, values in ((shape, self.rng.integers(low, low + 16, int(np.prod(shape)))),
                             ([] if axis is None else [count], np.full(count, zero))):
            names.append(self.name())
            self.types[names[-1]] = None
            raw = self.rng.random() < 0.5
            nibbles = [int(value) & 15 for value in values] + [0] * (len(values) % 2)
            packed = bytes(a | b << 4 for a, b in zip(nibbles[::2], nibbles[1::2]))
            self.constants.append(helper.make_tensor(
                names[-1], kind, dims, packed if raw else [int(value) for value in values], raw))
        scales = [self.scale(0.002, 0.02) for _ in range(count)]
        scale = self.constant(scales[0] if axis is None else np.array(scales, np.float32))
        attributes = {} if axis is None else {"axis": axis}
        return self.node("DequantizeLinear", [names[0], scale, names[1]], **attributes)

    def bias(self, count):
        return self.constant(self.rng.normal(0, 2, count).astype(np.float32))

    def output(self, x, dtype=np.float32):
        self.outputs.append(helper.make_tensor_value_info(x, ELEMENTS[np.dtype(dtype)], None))

    def finish(self, x):
        """The end of most models: integers, or real values behind them."""
        dtype = self.byte()
        parameters = self.fitting(x, dtype)
        if self.rng.random() < 0.5:
            self.output(self.quantise(x, parameters), dtype)
        else:
            self.output(self.requantise(x, parameters))

    def run(self, outputs):
        """What ONNX Runtime gives for these outputs."""
        runtime = session(self.serialise(outputs, self.definition))
        feeds = {entry.name: value for entry, value in zip(self.inputs, self.data)}
        return runtime.run(None, feeds)

    def serialise(self, outputs=None, nodes=None):
        graph = helper.make_graph(nodes or self.nodes, "model", self.inputs, outputs or self.outputs,
                                  self.constants)
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports,
                                 ir_version=10).SerializeToString()
