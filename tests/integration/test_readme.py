"""The README's own code blocks, run in its order in one folder; only the training is made shorter."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ganaug.data.images.dataset import LabelledImages
from tests.paths import ROOT

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _quick(command: list[str]) -> list[str]:
    """Let an evaluation end at once: what there was no time for is left out."""
    return [word for word in command if word not in ("--budget", "10m")] + ["--budget=3s"] * (command[1] == "evaluate")


def test_every_block_runs(tmp_path: Path, stripes: LabelledImages, monkeypatch: pytest.MonkeyPatch) -> None:
    for index, (image, label) in enumerate(zip(stripes.images, stripes.labels, strict=True)):
        place = tmp_path / "photos" / stripes.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(place / f"{index}.png")

    rng = np.random.default_rng(0)
    churned = rng.permutation(["no"] * 40 + ["yes"] * 12)
    income = rng.lognormal(8, 0.5, 52).round(2)
    customers = pd.DataFrame({"age": rng.integers(18, 90, 52), "income": income, "churned": churned})
    customers.to_csv(tmp_path / "customers.csv", index=False)

    blocks = BLOCK.findall(README.read_text())
    kinds = ["console", "console", "console", "python", "python", "python", "python", "python"]
    assert [kind for kind, _ in blocks] == kinds
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for kind, text in blocks:
        commands = (
            [shlex.split(line[2:]) for line in text.splitlines()]
            if kind == "console"
            else [
                [
                    sys.executable,
                    "-c",
                    text.replace("random_state=0", "random_state=0, max_steps=3").replace("budget=300", "budget=3"),
                ]
            ]
        )
        for command in commands:
            command = _quick(command)
            short = ["--steps=5" if word == "3m" else word for word in command if word != "--budget"]
            short += ["--steps=5"] * (command[1] == "fit" and "--steps=5" not in short)
            done = subprocess.run(  # noqa: S603
                short, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{short}: {done.stderr}"

    assert (tmp_path / "photos.preview.png").exists()
    assert len(list((tmp_path / "samples").rglob("*.png"))) == 32
    for name in stripes.classes:
        assert len(list((tmp_path / "balanced" / name).glob("*.png"))) == 40
    balanced = pd.read_parquet(tmp_path / "balanced.parquet")
    assert balanced["churned"].value_counts().to_dict() == {"no": 40, "yes": 40}
    assert balanced["synthetic"].sum() == 28
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 200
