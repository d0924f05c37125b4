"""The exported model file, on numpy and onnxruntime alone."""
