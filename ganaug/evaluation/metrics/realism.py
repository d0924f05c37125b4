"""The discriminator's two-sample test: whether the network that taught the generator tells real from synthetic."""

from ganaug.evaluation.metrics.base import auc_metric

METRIC = auc_metric(
    "realism_auc",
    lambda fold: fold.realism,
    title="Told apart by the model's discriminator (AUC)",
    meaning="The same for the discriminator that the generator learned from, on real samples that it has not seen.",
)
