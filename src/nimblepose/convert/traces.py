"""What torch's exporter notes of the machine that it ran on, and nobody else is to know."""

from typing import Any


def strip_traces(proto: Any) -> Any:
    """Take out of an onnx.ModelProto, in place, whatever its graph says beside the computation; returns it.

    torch writes a stack trace into every node: paths of files on the disk, and with them names of people. The metadata
    of the model itself, which are ours, stay.
    """
    graph = proto.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return proto
