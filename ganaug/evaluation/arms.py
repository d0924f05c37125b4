"""The arms of a comparison: what is done about imbalance before the same classifier is trained."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["IMAGE_ARMS", "KINDS", "TABLE_ARMS", "Arm", "Kind", "challengers", "rivals"]

Kind = Literal["nothing", "classical", "gan", "classical+gan", "placebo", "synthetic only"]
KINDS: tuple[Kind, ...] = ("nothing", "classical", "gan", "classical+gan", "placebo", "synthetic only")
Filling = Literal["", "repeats", "altered", "synthetic", "jittered"]


@dataclass(frozen=True)
class Arm:
    """One thing to do.

    Attributes
    ----------
    name : str
        What a report calls it.
    kind : str
        One of `KINDS`.
    share : float
        How much is synthetic, or jittered in the placebo: of a batch of images, or of what the classes of a table lack.
    weighted : bool
        Whether rare classes weigh more in the loss.
    tuned : bool
        Whether the decision threshold is tuned.
    filled : str
        With what small classes are filled up beyond `share`: "repeats", "altered" (albumentations, SMOTE) or nothing.
    optional : bool
        Whether a short budget may leave it out.
    """

    name: str
    kind: Kind
    share: float = 0.0
    weighted: bool = False
    tuned: bool = False
    filled: Filling = ""
    optional: bool = False


IMAGE_ARMS = (
    Arm("nothing", "nothing"),
    Arm("class weights", "classical", weighted=True),
    Arm("tuned threshold", "classical", tuned=True),
    Arm("random oversampling", "classical", filled="repeats"),
    Arm("albumentations", "classical", filled="altered"),
    Arm("GAN, 15 % of a batch", "gan", share=0.15, filled="repeats", optional=True),
    Arm("GAN, 30 % of a batch", "gan", share=0.3, filled="repeats"),
    Arm("GAN, 60 % of a batch", "gan", share=0.6, filled="repeats", optional=True),
    Arm("albumentations + GAN, 30 % of a batch", "classical+gan", share=0.3, filled="altered"),
    Arm("jittered copies, 30 % of a batch", "placebo", share=0.3, filled="repeats"),
    Arm("synthetic only", "synthetic only", share=1.0, optional=True),
)
"""For images; ``share`` of each batch is synthetic, the rest real ones, classes balanced where they are filled up."""

TABLE_ARMS = (
    Arm("nothing", "nothing"),
    Arm("class weights", "classical", weighted=True),
    Arm("tuned threshold", "classical", tuned=True),
    Arm("random oversampling", "classical", filled="repeats"),
    Arm("SMOTE", "classical", filled="altered"),
    Arm("GAN, a quarter of the gap", "gan", share=0.25, optional=True),
    Arm("GAN, half the gap", "gan", share=0.5, optional=True),
    Arm("GAN, the whole gap", "gan", share=1.0),
    Arm("SMOTE + GAN, half the gap each", "classical+gan", share=0.5, filled="altered"),
    Arm("jittered copies, the whole gap", "placebo", share=1.0),
    Arm("synthetic only", "synthetic only", share=1.0, optional=True),
)
"""For tables; ``share`` of the rows that classes lack to the largest is synthetic, what fills them up is the rest."""


def challengers(arms: tuple[Arm, ...] | list[Arm]) -> list[Arm]:
    """Return the arms that use the generator beside real data: of these the best is chosen, and allowed for."""
    return [arm for arm in arms if arm.kind in ("gan", "classical+gan")]


def rivals(arms: tuple[Arm, ...] | list[Arm]) -> list[Arm]:
    """Return the arms that the chosen one must beat: nothing, the classical ones, and the placebo."""
    return [arm for arm in arms if arm.kind in ("nothing", "classical", "placebo")]
