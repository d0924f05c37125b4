"""Synthetic signals in the form of the signals of a user's dataset: type, layout, dtype, transform."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.signals.sample_format import SignalFormat
from ganaug.data.signals.signal_file import converted
from ganaug.errors import DataError
from ganaug.integrations.torch.item_maker import ArrayItemMaker, Transform, chained, described
from ganaug.integrations.torch.signal_folder import to_tensor

Values = NDArray[np.float32]
"""A generator's signal, (L, C)."""
REMEDY = (
    "return such signals in the units that the generator learned, or give the dataset a `transform` that turns a "
    "float32 array (L, C) into what its items hold"
)


class SignalMaker(ArrayItemMaker):
    """Makes items of signals: as `SignalFolder` does, by a transform, or by conversion to the form of real ones."""

    @staticmethod
    def without_items(form: SignalFormat, transform: Transform) -> Callable[[Values], Any]:  # noqa: ARG004
        """Return the transform, which takes float32 arrays (L, C), or a conversion to tensors (C, L)."""
        return transform or to_tensor

    @staticmethod
    def suitable(
        transform: Callable[..., Any],
        real: list[Any],
        form: SignalFormat,
        name: str,
        *,
        arrays_first: bool,  # noqa: ARG004
    ) -> Callable[[Any], Any]:
        """Find by trial whether a transform takes arrays (L, C) or tensors (C, L)."""
        trial = np.random.default_rng(0).normal(size=form.signal_shape).astype(np.float32)
        found, failure = chained(transform, [np.copy, to_tensor], trial, real[0])
        if found is None:
            raise DataError(
                f"{name} must turn a float32 array (L, C), or a tensor (C, L), into what the dataset's items hold, "
                f"{described(real[0])}, but gives {failure}: let it take the signal as it was read, and do all that "
                "is done to it"
            )
        return found

    @staticmethod
    def conversion(real: list[Any], form: SignalFormat) -> "_Conversion":
        """Return the conversion of a sample to the form of the real ones."""
        return _Conversion.of(real[0], form)


MAKER = SignalMaker


@dataclass(frozen=True)
class _Conversion:
    """The conversion of a signal to the type, layout and dtype of a real one."""

    example: Any
    layout: tuple[int, ...]
    """The order of the axes length (0) and channels (1), or (0,) for a signal without channels."""

    @classmethod
    def of(cls, real: Any, form: SignalFormat) -> "_Conversion":
        """Find the layout of a real signal; `DataError` if it is not one of the generator's signals."""
        length, channels = form.signal_shape
        shape = tuple(real.shape) if isinstance(real, Tensor | np.ndarray) else ()
        layouts = {(channels, length): (1, 0), (length, channels): (0, 1)} | (
            {(length,): (0,)} if channels == 1 else {}
        )
        if shape not in layouts:
            raise DataError(
                f"an item must hold a signal like those of the generator, of {length} values in {channels} channel(s), "
                f"but holds {described(real)}: {REMEDY}"
            )
        return cls(real, layouts[shape])

    def __call__(self, signal: Values) -> Any:
        values = signal[:, 0] if len(self.layout) == 1 else signal.transpose(self.layout)
        if isinstance(self.example, Tensor):
            own = torch.from_numpy(np.ascontiguousarray(values)).to(self.example.device)
            return (
                own.to(self.example.dtype) if self.example.is_floating_point() else own.round().to(self.example.dtype)
            )
        return np.array(converted(values, self.example.dtype), order="C")
