"""What the folders of every kind of data have in common as torch Datasets."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from torch.utils.data import Dataset


class LabelledFolder(Dataset[tuple[Any, int]]):
    """A folder that was read into memory: its classes, as torchvision names them, and its items.

    Parameters
    ----------
    data : LabelledImages, LabelledSignals or LabelledClips
        What was read.
    transform : callable, optional
        Applied to an item every time it is asked for.
    """

    def __init__(self, data: Any, transform: Callable[[Any], Any] | None) -> None:
        self.data, self.transform = data, transform
        self.classes = list(data.classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.targets: list[int] = data.labels.tolist()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.present(self.data.content[index]), self.targets[index]

    @abstractmethod
    def present(self, item: Any) -> Any:
        """Return what was read of an item in the form of the items of this Dataset."""
