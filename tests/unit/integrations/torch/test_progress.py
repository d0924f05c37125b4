"""The progress bar of slow loops."""

import pytest

from ganaug.integrations.torch import progress
from ganaug.integrations.torch.progress import tracked


def test_quick_loops_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked("abc", 3, "Reading")) == ["a", "b", "c"]
    assert list(tracked("", 0, "Reading")) == []
    assert capsys.readouterr().err == ""


def test_slow_loops_show_a_bar_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    items = tracked("abc", 3, "Reading")
    assert next(items) == "a"
    assert capsys.readouterr().err == ""
    assert next(items) == "b"
    items.close()  # type: ignore[attr-defined]
    shown = capsys.readouterr().err
    assert "Reading" in shown
    assert shown.endswith("\x1b[2K")  # erased
