"""Callbacks that write the numbers of a training to other tools."""

from ganaug.integrations.tracking.json_lines import JSONLines
from ganaug.integrations.tracking.mlflow import MLflow
from ganaug.integrations.tracking.tensorboard import TensorBoard

__all__ = ["JSONLines", "MLflow", "TensorBoard"]
