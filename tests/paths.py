"""Where the repository and its models lie."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "onnx_models"
