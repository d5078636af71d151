# SPDX-License-Identifier: MIT
"""Random cases of operators whose data say where something is, of plain numbers, of shapes."""
from cases import (BYTES, MOVED, QUANTISED, activation_of, broadcast_of, constant, contents,
                   family, integers, shape_of, tensor)
from model import TENSOR_TYPES, Case, Tensor, reference

PLAIN = ("float32", "int32", "int64")


def given(case, index, values):
    """Says what the variable input `index` of a case holds."""
    while len(case.values) <= index:
        case.values.append(None)
    case.values[index] = values
    return case


@family("DYNAMIC_UPDATE_SLICE", ("int8", "float32", "int32", "int64", "bool"))
def dynamic_update_slice(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    update = source.like([int(rng.integers(1, size + 1)) for size in source.shape])
    # Positions from which the update would leave the source are moved.
    positions = rng.integers(-3, 9, len(source.shape)).astype("int32")
    case = Case("DYNAMIC_UPDATE_SLICE", [source, update, Tensor([len(positions)], "int32")],
                source.like(), ("DynamicUpdateSliceOptions", {}))
    if rng.random() < 0.3:
        case.inputs[2].data = positions
        return case
    return given(case, 2, positions)


def variable_make():
    """The handle of the one variable of a graph, and what makes it."""
    handle = Tensor([], "resource")
    return handle, Case("VAR_HANDLE", [], handle,
                        ("VarHandleOptions", {"container": "", "sharedName": "rows"}))


def same(rng, source, result):
    """What gives its input, on the NPU or on the processor."""
    if rng.random() < 0.7:
        return Case("MAXIMUM", [source, source], result, ("MaximumMinimumOptions", {}))
    return Case("GATHER", [source, integers(list(range(source.shape[0])))], result,
                ("GatherOptions", {"axis": 0, "batchDims": 0}))


@family("DYNAMIC_UPDATE_SLICE of a variable", QUANTISED)
def dynamic_update_rows(rng, dtype):
    """Along one dimension, of rows that an operator makes, or an input; then all is read."""
    rows = tensor(rng, shape_of(rng), dtype)
    held, updated = rows.like(), rows.like()
    axis = int(rng.integers(0, len(held.shape)))
    rows.shape = held.shape[:axis] + [int(rng.integers(1, held.shape[axis] + 1))] + \
        held.shape[axis + 1:]
    positions = rng.integers(-3, 9, len(held.shape)).astype("int32")
    handle, handle_case = variable_make()
    once, once_case = variable_make()
    before = [Case("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1})),
              handle_case, Case("READ_VARIABLE", [handle], held, ("ReadVariableOptions", {}))]
    if rng.random() < 0.6:
        made = rows.like()
        before.append(same(rng, rows, made))
        rows = made
    before += [Case("DYNAMIC_UPDATE_SLICE", [held, rows, Tensor([len(positions)], "int32")],
                    updated, ("DynamicUpdateSliceOptions", {})),
               Case("ASSIGN_VARIABLE", [handle, updated], [], ("AssignVariableOptions", {}))]
    case = same(rng, updated, held.like())
    order = list(range(len(held.shape)))
    if rng.random() < 0.4:
        order = [int(d) for d in rng.permutation(len(held.shape))]
        case = Case("TRANSPOSE", [updated, integers(order)],
                    held.like([held.shape[d] for d in order]), ("TransposeOptions", {}))
    case.before = before
    beginning = constant(rng, held.like())
    case.once = [once_case, Case("ASSIGN_VARIABLE", [once, beginning], [],
                                 ("AssignVariableOptions", {}))]

    def reference_of(values):
        whole = beginning.data.copy()
        first = min(max(int(positions[axis]), 0), whole.shape[axis] - values[0].shape[axis])
        whole.swapaxes(0, axis)[first:first + values[0].shape[axis]] = \
            values[0].swapaxes(0, axis)
        return [whole.transpose(order)]
    # TensorFlow Lite has a kernel for the one type alone.
    case.reference = None if dtype == "int8" else reference_of
    return given(case, 1, positions)


@family("GATHER_ND", MOVED)
def gather_nd(rng, dtype):
    import numpy
    source = tensor(rng, shape_of(rng), dtype)
    depth = int(rng.integers(1, len(source.shape) + 1))
    kind = str(rng.choice(["int32", "int64"]))
    lead = shape_of(rng, 1, 2, 4)
    values = numpy.stack([rng.integers(0, source.shape[d], lead) for d in range(depth)],
                         axis=-1).astype(kind)
    case = Case("GATHER_ND", [source, Tensor(list(values.shape), kind)], source.like([1]),
                ("GatherNdOptions", {}))
    if rng.random() < 0.3:
        case.inputs[1].data = values
        return case
    return given(case, 1, values)


@family("TOPK_V2", BYTES + ("float32", "int32"))
def top_k(rng, dtype):
    source = tensor(rng, shape_of(rng, 1, 3, 20), dtype)
    kept = int(rng.integers(1, source.shape[-1] + 1))
    case = Case("TOPK_V2", [source, integers(kept)],
                [source.like([1]), Tensor([1], "int32")], ("TopKV2Options", {}))
    # Few values, so that many are equal.
    return given(case, 0, rng.integers(0, 9, source.shape).astype(dtype))


@family("ONE_HOT", ("float32", "int8", "uint8", "int32", "int64", "bool"))
def one_hot(rng, dtype):
    shape = shape_of(rng, 1, 3, 5)
    depth, axis = int(rng.integers(1, 6)), int(rng.integers(-1, len(shape) + 1))
    kind = str(rng.choice(["int32", "int64"]))
    result = tensor(rng, [1], dtype)
    values = [constant(rng, result.like([])) for _ in range(2)]
    case = Case("ONE_HOT", [Tensor(shape, kind), integers(depth)] + values, result,
                ("OneHotOptions", {"axis": axis}))
    return given(case, 0, rng.integers(-1, depth + 1, shape).astype(kind))


@family("CUMSUM", PLAIN)
def cumulative_sum(rng, dtype):
    source = tensor(rng, shape_of(rng), dtype)
    rank = len(source.shape)
    return Case("CUMSUM", [source, integers(int(rng.integers(-rank, rank)))], source.like([1]),
                ("CumsumOptions", {"exclusive": bool(rng.integers(2)),
                                   "reverse": bool(rng.integers(2))}))


def plain_pair(rng, dtype):
    shape = shape_of(rng)
    return [Tensor(shape, dtype), Tensor(broadcast_of(rng, shape), dtype)]


@family("ADD", ("int32", "int64"), "ADD")
@family("SUB", ("int32", "int64"), "SUB")
@family("MUL", ("int32", "int64"), "MUL")
def plain_arithmetic(name, rng, dtype):
    fields = {"fusedActivationFunction": activation_of(rng) if dtype == "int32" and
              name != "MUL" else 0}
    return Case(name, plain_pair(rng, dtype), Tensor([1], dtype),
                (name.capitalize() + "Options", fields))


@family("DIV", ("int32",), "DIV")
@family("FLOOR_DIV", ("float32", "int32", "int8", "int16"), "FLOOR_DIV")
@family("FLOOR_MOD", PLAIN + ("int8", "int16"), "FLOOR_MOD")
def plain_division(name, rng, dtype):
    options = {"DIV": "DivOptions", "FLOOR_DIV": "FloorDivOptions",
               "FLOOR_MOD": "FloorModOptions"}[name]
    pair = plain_pair(rng, dtype)
    if dtype in QUANTISED:
        # Of the stored integers, whatever they stand for.
        pair = [tensor(rng, operand.shape, dtype) for operand in pair]
    case = Case(name, pair, pair[0].like([1]), (options, {}))
    divisors = contents(rng, case.inputs[1].shape, dtype)
    divisors[divisors == 0] = 1
    return given(case, 1, divisors)


@family("POW", ("float32",))
def power(rng, dtype):
    case = Case("POW", plain_pair(rng, dtype), Tensor([1], dtype), ("PowOptions", {}))
    return given(case, 0, abs(contents(rng, case.inputs[0].shape, dtype)) + 0.01)


@family("POW", ("int32",))
def integer_power(rng, dtype):
    # What 32 bits do not hold is left open there.
    case = Case("POW", plain_pair(rng, dtype), Tensor([1], dtype), ("PowOptions", {}))
    given(case, 0, rng.integers(-9, 10, case.inputs[0].shape).astype(dtype))
    return given(case, 1, rng.integers(0, 9, case.inputs[1].shape).astype(dtype))


@family("SQUARED_DIFFERENCE", ("int32",))
def plain_squared_difference(rng, dtype):
    return Case("SQUARED_DIFFERENCE", plain_pair(rng, dtype), Tensor([1], dtype),
                ("SquaredDifferenceOptions", {}))


@family("REDUCE_ANY", ("bool",), "REDUCE_ANY")
@family("REDUCE_ALL", ("bool",), "REDUCE_ALL")
def truth_reduction(name, rng, dtype):
    source = Tensor(shape_of(rng), dtype)
    axes = rng.permutation(len(source.shape))[:rng.integers(1, len(source.shape) + 1)]
    case = Case(name, [source, integers(axes)], Tensor([1], dtype),
                ("ReducerOptions", {"keepDims": bool(rng.integers(2))}))
    share = 0.1 if name == "REDUCE_ANY" else 0.9
    return given(case, 0, rng.random(source.shape) < share)


@family("ADD_N", ("float32", "int32"))
def add_many(rng, dtype):
    shape = shape_of(rng)
    return Case("ADD_N", [Tensor(shape, dtype) for _ in range(rng.integers(2, 6))],
                Tensor([1], dtype), ("AddNOptions", {}))


@family("EMBEDDING_LOOKUP", ("float32", "int8"))
def embedding(rng, dtype):
    table = constant(rng, tensor(rng, shape_of(rng, 2, 3), dtype))
    case = Case("EMBEDDING_LOOKUP", [Tensor([int(rng.integers(1, 9))], "int32"), table],
                table.like([1]))
    case.outputs[0].data = None
    return given(case, 0, rng.integers(0, table.shape[0], case.inputs[0].shape).astype("int32"))


@family("FILL", ("float32", "int8", "int32"))
def fill(rng, dtype):
    value = tensor(rng, [], dtype)
    return Case("FILL", [integers(shape_of(rng, 1, 3)), value], value.like([1]),
                ("FillOptions", {}))


def shape_code(kind):
    return getattr(reference.schema_module().TensorType, TENSOR_TYPES[kind])


@family("RESHAPE by computed shape", QUANTISED + ("float32",))
def computed_reshape(rng, dtype):
    """What Keras writes for a flattening: SHAPE, a product of its parts, PACK, RESHAPE."""
    source = tensor(rng, shape_of(rng, 2, 4), dtype)
    rank, kind = len(source.shape), "int32"
    shape, first, product = Tensor([rank], kind), Tensor([], kind), Tensor([], kind)
    rest, packed = Tensor([rank - 1], kind), Tensor([2], kind)
    case = Case("RESHAPE", [source, packed], source.like([1]), ("ReshapeOptions", {}))
    masks = {"beginMask": 0, "endMask": 0, "ellipsisMask": 0, "newAxisMask": 0}
    case.before = [
        Case("SHAPE", [source], shape, ("ShapeOptions", {"outType": shape_code(kind)})),
        Case("STRIDED_SLICE", [shape, integers([0]), integers([1]), integers([1])], first,
             ("StridedSliceOptions", {**masks, "shrinkAxisMask": 1})),
        Case("STRIDED_SLICE", [shape, integers([1]), integers([rank]), integers([1])], rest,
             ("StridedSliceOptions", {**masks, "shrinkAxisMask": 0})),
        Case("REDUCE_PROD", [rest, integers([0])], product,
             ("ReducerOptions", {"keepDims": False})),
        Case("PACK", [first, product], packed, ("PackOptions", {"valuesCount": 2, "axis": 0})),
    ]
    return case


@family("GATHER by computed range", QUANTISED)
def computed_range(rng, dtype):
    """Positions of an embedding: RANGE up to a size, scaled, cast, wrapped."""
    source = tensor(rng, shape_of(rng, 2, 3), dtype)
    count, step = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    positions, scaled = Tensor([count], "int32"), Tensor([count], "int32")
    wrapped, wide = Tensor([count], "int32"), Tensor([count], "int64")
    case = Case("GATHER", [source, wide], source.like([1]),
                ("GatherOptions", {"axis": 0, "batchDims": 0}))
    case.before = [
        Case("RANGE", [integers(0), integers(count), integers(1)], positions,
             ("RangeOptions", {})),
        Case("MUL", [positions, integers(step)], scaled,
             ("MulOptions", {"fusedActivationFunction": 0})),
        Case("FLOOR_MOD", [scaled, integers(source.shape[0])], wrapped, ("FloorModOptions", {})),
        Case("CAST", [wrapped], wide, ("CastOptions", {"inDataType": shape_code("int32"),
                                                       "outDataType": shape_code("int64")})),
    ]
    return case


@family("CONV_2D with unpacked weights", ("int8",))
def unpacked_weights(rng, dtype):
    """Weights that the model stores as int8 or in another order, for a float operator."""
    import numpy
    depth, channels = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    shape = [channels, 3, 3, depth]
    order = [3, 1, 2, 0]
    scales = numpy.array([0.01 * (c + 1) for c in range(depth)], "float32")
    stored = Tensor([shape[d] for d in order], dtype, scales, [0] * depth, 0)
    stored = constant(rng, stored)
    reals, weights = Tensor(stored.shape, "float32"), Tensor(shape, "float32")
    source = Tensor([1, 6, 6, depth], "float32")
    case = Case("CONV_2D", [source, weights, constant(rng, Tensor([channels], "float32"))],
                Tensor([1], "float32"),
                ("Conv2DOptions", {"padding": 0, "strideH": 1, "strideW": 1,
                                   "dilationHFactor": 1, "dilationWFactor": 1,
                                   "fusedActivationFunction": 0}))
    case.before = [
        Case("DEQUANTIZE", [stored], reals, ("DequantizeOptions", {})),
        Case("TRANSPOSE", [reals, integers(order)], weights, ("TransposeOptions", {})),
    ]
    return case
