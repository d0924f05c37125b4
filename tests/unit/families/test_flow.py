"""The flow on images of few pixels, whose density it learns as they are, and on larger ones, through codes."""

import pytest
import torch

from ganaug.data.images.dataset import LabelledImages
from ganaug.families.flow import CODING, MAX_POINT_DIM, Flow
from ganaug.training import Run
from tests.conftest import striped_images


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (16, 3)])
def test_short_points_are_learned_as_they_are_and_long_ones_through_codes(size: int, channels: int) -> None:
    data: LabelledImages = striped_images({"lying": 24, "upright": 12}, size, channels)
    run = Run(data, model="flow", space="pixels", max_steps=20, random_state=0)
    steps = list(run.steps())
    family = run.state.family
    assert isinstance(family, Flow)
    is_short = size**2 * channels <= MAX_POINT_DIM
    assert (family.coder is None) is is_short
    coded = [step.progress for step in steps if "reconstruction" in step.losses]
    assert len(coded) == (0 if is_short else round(CODING * 20))
    assert all("likelihood" in step.losses for step in steps[len(coded) :])
    assert {step.resolution for step in steps} == ({size} if is_short else {8, 16})
    images, _ = run.trained().export().sample(8, seed=0)
    assert images.shape == (8, size, size, channels)


def test_a_flow_copies_no_data() -> None:
    """Its generator is copied at every validation, and the modality, which holds the data, is not."""
    data = striped_images({"lying": 24, "upright": 12})
    run = Run(data, model="flow", max_steps=2, random_state=0)
    list(run.steps())
    family = run.state.family
    held = [part._modality for part in family.average.modules() if hasattr(part, "_modality")]
    assert held == [run.modality]
    assert not any(isinstance(value, torch.Tensor) and value.numel() > 1e6 for value in vars(family.average).values())
