# SPDX-License-Identifier: MIT
"""Random cases of more than four dimensions, of the operators that the reference takes so."""
import cases
from cases import FAMILIES, family, output, tensor
from model import Case

# Operators of cases.py and index_cases.py, and the most dimensions that its kernels have.
DIMENSIONS = {
    "CONCATENATION int8": 6, "GATHER int8": 5, "GATHER_ND int8": 5, "LOGISTIC int8": 6,
    "MEAN int8": 6, "PACK int8": 5, "PAD int8": 5, "REDUCE_MAX int8": 6, "REVERSE_V2 int8": 6,
    "SLICE int16": 5, "SPLIT int8": 6, "STRIDED_SLICE int8": 5, "TILE int8": 6,
    "TRANSPOSE int8": 6, "UNPACK uint8": 6, "CUMSUM int32": 6,
}


def register(name, rank):
    base = FAMILIES[name]

    def make(rng):
        cases.DIMENSIONS = rank
        try:
            return base(rng)
        finally:
            cases.DIMENSIONS = None
    FAMILIES[f"{name} of rank {rank}"] = make


for operator, most in DIMENSIONS.items():
    for dimensions in range(5, most + 1):
        register(operator, dimensions)


@family("ADD of rank 5", ("int8", "int16"), "ADD")
@family("MUL of rank 5", ("int8", "int16"), "MUL")
def alike(name, rng, dtype):
    """Operands of one shape: the reference repeats elements in four dimensions only."""
    shape = [int(size) for size in rng.integers(1, 5, 5)]
    fields = {"fusedActivationFunction": 0}
    if name != "MUL":
        fields["potScaleInt16"] = False
    pair = [tensor(rng, shape, dtype), tensor(rng, shape, dtype)]
    result = output(rng, dtype)
    if name == "MUL":
        # A factor below one, as a converter chooses it.
        result.scales = pair[0].scales * pair[1].scales * float(rng.uniform(1.1, 200))
    return Case(name, pair, result, (name.capitalize() + "Options", fields))
