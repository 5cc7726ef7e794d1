"""A LiteRT file, operator by operator, after the schema that LiteRT's package brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.optional import import_optional

Shape = tuple[int, ...]

FLOAT32, INT32, UINT8, INT8 = "FLOAT32", "INT32", "UINT8", "INT8"  # TensorType of the schema
_TYPES = {np.dtype(np.float32): FLOAT32, np.dtype(np.int32): INT32, np.dtype(np.int8): INT8}
_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "ADD": 2, "CONCATENATION": 2, "DEQUANTIZE": 2, "PAD": 2}
"""The first of each operator that knows int8 with a step per channel."""
_SCHEMA_VERSION, _IDENTIFIER = 3, b"TFL3"


@dataclass(frozen=True)
class Stored:
    """What integers stand for: real value = step * (stored - zero), one step or one per slice along an axis."""

    steps: float | NDArray[np.float32]
    zero: int = 0
    axis: int = 0


def add_metadata(data: bytes, metadata: Mapping[str, str]) -> bytes:
    """A LiteRT file with metadata under their own names, byte for byte; the rest stays as it is.

    Raises:
        MissingPackageError: LiteRT's package is not installed.
    """
    schema = import_optional("ai_edge_litert.schema_py_generated", "export to LiteRT")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    model.metadata = model.metadata or []
    for name, text in metadata.items():
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(text.encode(), np.uint8)
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    return _pack(model)


def _pack(model: Any) -> bytes:
    flatbuffers = import_optional("flatbuffers", "export to LiteRT")
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class LiteRtFile:
    """Tensors and operators so far; a tensor is known by its number."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        """Metadata are kept byte for byte, under their own names.

        Raises:
            MissingPackageError: LiteRT's package is not installed.
        """
        self._schema = import_optional("ai_edge_litert.schema_py_generated", "export to LiteRT")
        self._buffers, self._metadata = [self._schema.BufferT()], []  # the first is empty, the rest data
        self._graph = self._schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._codes: list[Any] = []
        for name, text in metadata.items():
            entry = self._schema.MetadataT()
            entry.name, entry.buffer = name, self._add_buffer(np.frombuffer(text.encode(), np.uint8))
            self._metadata.append(entry)

    def add_tensor(self, name: str, kind: str, shape: Shape, stored: Stored | None = None) -> int:
        """Room for what is computed; rows and columns of NHWC are free."""
        tensor = self._schema.TensorT()
        tensor.name, tensor.type, tensor.buffer = name, getattr(self._schema.TensorType, kind), 0
        tensor.shape, tensor.shapeSignature = list(shape), [shape[0], -1, -1, shape[3]]
        return self._keep(tensor, stored)

    def add_constant(self, name: str, values: NDArray[Any], stored: Stored | None = None) -> int:
        """Weights and such."""
        tensor = self._schema.TensorT()
        tensor.name, tensor.type = name, getattr(self._schema.TensorType, _TYPES[values.dtype])
        tensor.shape, tensor.buffer = list(values.shape), self._add_buffer(values)
        return self._keep(tensor, stored)

    def read_shape(self, tensor: int) -> Shape:
        """At the size that the file begins with."""
        return tuple(self._graph.tensors[tensor].shape)

    def add_operator(
        self, kind: str, inputs: Sequence[int], output: int, options: Mapping[str, Any] | None = None
    ) -> int:
        """Compute a tensor from others.

        Args:
            kind: BuiltinOperator of the schema.
            inputs: Tensors.
            output: Tensor.
            options: Of the operator's table of options, by their names in the schema; `table` is the table's name.

        Returns:
            `output`.
        """
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._find_code(kind)
        operator.inputs, operator.outputs = list(inputs), [output]
        if options:
            table = str(options["table"])
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(self._schema, f"{table}T")()
            for name, value in options.items():
                if name != "table":
                    setattr(operator.builtinOptions, name, value)
        self._graph.operators.append(operator)
        return output

    def to_bytes(self, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> bytes:
        """The file, with one signature.

        Args:
            inputs: Tensors by the names that callers use.
            outputs: The same.
        """
        signature = self._schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = self._map(inputs), self._map(outputs)
        self._graph.inputs, self._graph.outputs = list(inputs.values()), list(outputs.values())
        model = self._schema.ModelT()
        model.version, model.description = _SCHEMA_VERSION, "nimblepose"
        model.subgraphs, model.signatureDefs = [self._graph], [signature]
        model.operatorCodes, model.buffers, model.metadata = self._codes, self._buffers, self._metadata
        return _pack(model)

    def _map(self, tensors: Mapping[str, int]) -> list[Any]:
        entries = []
        for name, tensor in tensors.items():
            entry = self._schema.TensorMapT()
            entry.name, entry.tensorIndex = name, tensor
            entries.append(entry)
        return entries

    def _keep(self, tensor: Any, stored: Stored | None) -> int:
        if stored:
            how = tensor.quantization = self._schema.QuantizationParametersT()
            how.scale = np.atleast_1d(np.asarray(stored.steps, np.float32))
            how.zeroPoint = np.full(len(how.scale), stored.zero, np.int64)
            how.quantizedDimension = stored.axis
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _add_buffer(self, values: NDArray[Any]) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def _find_code(self, kind: str) -> int:
        number = getattr(self._schema.BuiltinOperator, kind)
        for place, code in enumerate(self._codes):
            if code.builtinCode == number:
                return place
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = number  # all of ours are from before there were more than 127
        code.version = _VERSIONS.get(kind, 1)
        self._codes.append(code)
        return len(self._codes) - 1
