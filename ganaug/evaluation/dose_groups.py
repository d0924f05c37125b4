"""The groups of classes that a dose is tried for: the rare ones, and all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.arms import Arm

RARE = 40
"""A class of fewer images is rare, as long as no more than half of the classes are."""


@dataclass(frozen=True)
class Group:
    """Some classes, and the number of images that each of them has fewer of; None for all classes."""

    members: NDArray[np.bool_]  # (n_classes,)
    fewer_than: int | None = None
    noun: str = "images"
    """What the items are, in the plural."""

    def arm(self, share: float, filled: Any) -> Arm:
        """Return the arm in which this share of the classes is synthetic."""
        shares = tuple(np.where(self.members, share, 0.0).tolist())
        return Arm(self.described(share), "gan", shares=shares, filled=filled)

    def described(self, share: float) -> str:
        """Return the dose in words."""
        if self.fewer_than is None:
            return f"{share:.0%} of every class is synthetic".replace("%", " %")
        classes = f"the classes of fewer than {self.fewer_than} {self.noun}"
        return f"{share:.0%} of {classes} is synthetic; other classes are left alone".replace("%", " %")


def rare_classes(counts: NDArray[np.int64], noun: str = "images") -> Group | None:
    """Return the classes of fewer than 40 items, or of fewer if these were more than half of the classes.

    None if there are none.

    Examples
    --------
    >>> rare_classes(np.array([100, 50, 30, 5])).members.tolist(), rare_classes(np.array([9, 8, 8, 2])).fewer_than
    ([False, False, True, True], 8)
    """
    # At most half of the classes have fewer images than the class in the middle.
    limit = min(RARE, int(np.sort(counts)[len(counts) // 2]))
    members = counts < limit
    return Group(members, limit, noun) if members.any() else None
