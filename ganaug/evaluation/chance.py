"""The share of copies that chance alone gives, for all who name it; light, for the report needs it too."""

from collections.abc import Mapping
from typing import Any

__all__ = ["usual_share"]


def usual_share(copies: Mapping[str, Any]) -> float:
    """Return the share of real samples that are taken for copies: the nominal one, or what was measured, if more.

    Examples
    --------
    >>> usual_share({"expected_share": 0.03, "calibration": {"false_alarms": 0.1}})
    0.1
    """
    alarms = (copies.get("calibration") or {}).get("false_alarms")
    return max(copies.get("expected_share") or 0.0, alarms or 0.0)
