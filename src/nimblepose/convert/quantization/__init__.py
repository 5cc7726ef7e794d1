"""Float32 ONNX to int8 ONNX: layers made alike, ranges, rounding, and a file that every runtime reads."""
