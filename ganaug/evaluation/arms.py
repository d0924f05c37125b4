"""The arms of a comparison: ways to treat class imbalance before one and the same classifier is trained."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["nothing", "classical", "gan", "classical+gan", "placebo", "synthetic only", "sampler"]
"""The last is an over-sampler of the user, which only the model selection policy tries."""
Filling = Literal["", "repeats", "altered", "smote", "jittered", "warped"]
"""Not at all, with repeats of real items, or with altered items (by albumentations for images, by shifts for clips,
by SMOTE for rows). The last three are for signals."""


@dataclass(frozen=True)
class Arm:
    """One way to train the classifier."""

    name: str  # in reports and decision tables
    kind: Kind
    share: float = 0.0  # of a batch of images, or of the gap of a class of rows: synthetic, or altered in the placebo
    weighted: bool = False  # whether the loss weighs the classes equally
    tuned: bool = False  # whether the decision threshold is tuned
    filled: Filling = ""  # how small classes are filled up beyond `share`
    optional: bool = False  # whether a short budget may leave the arm out
    shares: tuple[float, ...] = ()  # of the draws of each class of images, in place of `share`: a dose


NAMES = {"vae": "VAE", "autoencoder": "autoencoder", "flow": "flow"}
"""What stands for "GAN" in the names of arms whose synthetic samples another family draws."""


def named_after(arms: Iterable[Arm], model: str) -> tuple[Arm, ...]:
    """Return the arms with names that say which family draws the synthetic samples.

    Examples
    --------
    >>> [arm.name for arm in named_after([Arm("GAN, the whole gap", "gan")], "vae")]
    ['VAE, the whole gap']
    """
    return tuple(replace(arm, name=arm.name.replace("GAN", NAMES.get(model, "GAN"))) for arm in arms)


NOTHING = Arm("nothing", "nothing")
"""The reference: the classifier is trained on the data as they are."""

IMAGE_ARMS = (
    NOTHING,
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
"""For images: `share` of every batch is synthetic. The rest is real, and class-balanced where `filled` is set."""

SIGNAL_ARMS = (
    NOTHING,
    Arm("class weights", "classical", weighted=True),
    Arm("tuned threshold", "classical", tuned=True),
    Arm("random oversampling", "classical", filled="repeats"),
    Arm("SMOTE", "classical", filled="smote"),
    Arm("jitter", "classical", filled="jittered"),
    Arm("time warp", "classical", filled="warped"),
    Arm("GAN, 15 % of a batch", "gan", share=0.15, filled="repeats", optional=True),
    Arm("GAN, 30 % of a batch", "gan", share=0.3, filled="repeats"),
    Arm("GAN, 60 % of a batch", "gan", share=0.6, filled="repeats", optional=True),
    Arm("time warp + GAN, 30 % of a batch", "classical+gan", share=0.3, filled="warped"),
    Arm("jittered copies, 30 % of a batch", "placebo", share=0.3, filled="repeats"),
    Arm("synthetic only", "synthetic only", share=1.0, optional=True),
)
"""For signals: as for images. SMOTE interpolates between signals of a class, value by value."""

CLIP_ARMS = (
    NOTHING,
    Arm("class weights", "classical", weighted=True),
    Arm("tuned threshold", "classical", tuned=True),
    Arm("random oversampling", "classical", filled="repeats"),
    Arm("shifts and brightness", "classical", filled="altered"),
    Arm("GAN, 15 % of a batch", "gan", share=0.15, filled="repeats", optional=True),
    Arm("GAN, 30 % of a batch", "gan", share=0.3, filled="repeats"),
    Arm("GAN, 60 % of a batch", "gan", share=0.6, filled="repeats", optional=True),
    Arm("shifts and brightness + GAN, 30 % of a batch", "classical+gan", share=0.3, filled="altered"),
    Arm("jittered copies, 30 % of a batch", "placebo", share=0.3, filled="repeats"),
    Arm("synthetic only", "synthetic only", share=1.0, optional=True),
)
"""For clips: as for images. All frames of a clip are shifted alike."""

TABLE_ARMS = (
    NOTHING,
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
"""For tables: the gap of a class is the number of rows that it lacks. `share` of the gap is filled with synthetic rows,
and the rest as `filled` says."""
