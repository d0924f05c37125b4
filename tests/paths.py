"""Paths of the repository and of its models."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "onnx_models"
