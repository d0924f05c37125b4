"""The techniques of training that can be switched on and off, and their settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any, NamedTuple, Self

from ganaug.errors import DataError


class Range(NamedTuple):
    """The values that a technique may have."""

    low: float
    high: float


@dataclass(frozen=True)
class Techniques:
    """The settings of every technique; the defaults are what was measured (see ``docs/techniques.md``).

    A weight or share of 0 and False switch a technique off. Techniques of a discriminator do nothing in a family
    without one, and techniques of images do nothing for other data.
    """

    growing: bool = True
    """Train small images first (Karras et al. 2018)."""
    averaging: bool = True
    """Keep the moving average of the weights (Yazici et al. 2019); otherwise the last weights."""
    early_stopping: bool = True
    """Keep the weights of the best score on held-out samples, and stop when the score gets worse."""
    gradient_penalty: float = 1.0
    """Factor on the R1 and R2 penalties (Mescheder et al. 2018)."""
    spectral_norm: bool = False
    """Divide the weights of the discriminator by their spectral norms (Miyato et al. 2018)."""
    consistency: float = 0.0
    """Weight of the difference between the logits of a sample and of its distortion (Zhang et al. 2020)."""
    feature_matching: float = 0.0
    """Weight of the difference between mean features of real and synthetic samples (Salimans et al. 2016)."""
    adaptive_augmentation: bool = False
    """Let the share of distorted samples follow how well the discriminator knows real ones (Karras et al. 2020)."""
    minibatch_deviation: float = 0.0
    """Weight of the spread of a batch's features in the logits (Karras et al. 2018)."""
    transition: float = 0.0
    """Share of the run in which the classes gain their weight (Shahbazi et al. 2022)."""
    shared_blocks: int = 0
    """Blocks of lowest resolution that do not know the class (UTLO, Khorram et al. 2024)."""
    class_gain_penalty: float = 0.0
    """Weight of the spectral norm of the gains of the classes (gSR, Rangwani et al. 2022)."""
    mapping_layers: int = 2
    """Layers of the network that maps noise to styles (Karras et al. 2019)."""
    style_mixing: float = 0.0
    """Share of the samples of a training batch that take the styles of their fine layers from another sample."""
    truncation: float = 1.0
    """Factor on the distance of a style from the mean style when samples are drawn (Karras et al. 2019)."""

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Self:
        """Return the defaults with other settings.

        Raises
        ------
        DataError
            If a technique is unknown, or a value is not one that it may have.

        Examples
        --------
        >>> Techniques.of({"feature_matching": 0.5}).changed
        {'feature_matching': 0.5}
        """
        if settings is not None and not isinstance(settings, Mapping):
            raise DataError(
                f"techniques must be a mapping such as {{'feature_matching': 0.5}}, but is {settings!r:.80}: give one"
            )
        return cls(**{name: _checked(name, value) for name, value in (settings or {}).items()})

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that are not the defaults."""
        default = asdict(type(self)())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


RANGES = {
    "gradient_penalty": Range(0, 100),
    "consistency": Range(0, 100),
    "feature_matching": Range(0, 100),
    "minibatch_deviation": Range(0, 10),
    "transition": Range(0, 1),
    "shared_blocks": Range(0, 8),
    "class_gain_penalty": Range(0, 100),
    "mapping_layers": Range(1, 8),
    "style_mixing": Range(0, 1),
    "truncation": Range(0, 1),
}
"""What the techniques that are no switches may be set to."""
_KINDS = {field.name: type(field.default) for field in fields(Techniques)}


def _checked(name: str, value: Any) -> Any:
    if name not in _KINDS:
        raise DataError(f"techniques must be among {', '.join(_KINDS)}, but one is {name!r:.80}: choose one of these")
    if _KINDS[name] is bool:
        if not isinstance(value, bool):
            raise DataError(f"the technique {name} must be on or off (True or False), but is {value!r:.80}: choose one")
        return value
    low, high = RANGES[name]
    whole = _KINDS[name] is int
    is_number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise DataError(
            f"the technique {name} must be {kind} from {low:g} to {high:g}, but is {value!r:.80}: choose one"
        )
    return int(value) if whole else float(value)
