"""The discriminator's two-sample test: whether the network that taught the generator tells real from synthetic."""

from typing import TYPE_CHECKING

from ganaug.evaluation.metrics.base import AucMetric, FoldData

if TYPE_CHECKING:
    from ganaug.evaluation.statistics import Auc

__all__ = ["METRIC"]


class Realism(AucMetric):
    """The area under the ROC curve of the discriminator's opinion, which the caller measures."""

    key = "realism_auc"
    title = "Told apart by the model's discriminator (AUC)"
    meaning = "The same for the discriminator that the generator learned from, on real samples that it has not seen."

    def measure(self, fold: FoldData) -> "Auc | None":
        """Return the area of one fold; None where the generator has no discriminator."""
        return fold.realism


METRIC = Realism()
