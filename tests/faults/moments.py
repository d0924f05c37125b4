"""Signals at random moments of a command: what must hold after each of them.

After any signal, every output is the old one or the new one, whole. The exit code is that of the signal, or 0 if the
work was done already. The same command, with --resume for a fit, then does what it would have done without the signal,
and leaves nothing else behind.
"""

import json
import shutil
import signal
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.processes import Ended, command, forked, fresh
from tests.paths import MODELS

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
OLD = "an older file"
STEPS = 30
MAX_SECONDS = 10.0
"""From a signal to the end of the process: docker kills after 10 seconds."""
FRESH = 20
"""One moment in this many hits a fresh process, which spends most of its time with imports."""


class Deed(ABC):
    """A command whose outputs are known."""

    name: str
    outputs: tuple[str, ...]

    def __init__(self, source: Path, model: Path) -> None:
        self.source, self.model = source, model

    @abstractmethod
    def arguments(self, folder: Path) -> list[str]:
        """Return the arguments of the command, whose outputs lie in `folder`."""

    def prepare(self, folder: Path) -> None:
        """Put older files in the way."""
        for name in self.outputs:
            (folder / name).write_text(OLD)

    def is_old(self, path: Path) -> bool:
        """Tell whether an output is what `prepare` made."""
        return path.is_file() and path.read_bytes() == OLD.encode()

    def content(self, path: Path) -> Any:
        """Return what a whole output holds; by default it is the same in every run."""
        return path.read_bytes()

    def is_whole(self, path: Path, expected: Path) -> bool:
        """Tell whether an output is complete."""
        return bool(self.content(path) == self.content(expected))

    def again(self, folder: Path) -> list[str]:
        """Return the arguments of the run after the signal."""
        return self.arguments(folder)


class Fit(Deed):
    """A fit of a table, whose generator must be that of an unbroken run when it has been resumed."""

    name, outputs = "fit", ("model.onnx",)

    def arguments(self, folder: Path) -> list[str]:
        output = str(folder / "model.onnx")
        return ["fit", str(self.source), "--target", "y", "--steps", str(STEPS), "--output", output]

    def again(self, folder: Path) -> list[str]:
        kept = folder / "model.onnx.checkpoint" / "checkpoint.json"
        return [*self.arguments(folder), *(["--resume"] if kept.exists() else [])]

    def content(self, path: Path) -> Any:
        from ganaug.runtime.generator import Generator

        rows, labels = Generator.load(path).sample(9, seed=0)
        return rows.to_csv(), labels.tolist()

    def is_whole(self, path: Path, expected: Path) -> bool:
        return self.content(path) is not None  # the best generator of fewer steps is another one


class Sample(Deed):
    """Rows of a table."""

    name, outputs = "sample", ("rows.csv",)

    def arguments(self, folder: Path) -> list[str]:
        return ["sample", str(self.model), "--per-class", "20000", "--output", str(folder / "rows.csv")]


class SampleFolder(Deed):
    """A folder of images."""

    name, outputs = "sample a folder", ("images",)

    def arguments(self, folder: Path) -> list[str]:
        return ["sample", str(MODELS / "digits.onnx"), "--per-class", "40", "--output", str(folder / "images")]

    def prepare(self, folder: Path) -> None:
        (folder / "images").mkdir()

    def is_old(self, path: Path) -> bool:
        return path.is_dir() and not any(path.iterdir())

    def content(self, path: Path) -> Any:
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}

    def again(self, folder: Path) -> list[str]:
        if not self.is_old(folder / "images"):  # it is complete, and is never merged into
            shutil.rmtree(folder / "images")
        return self.arguments(folder)


class Balance(Deed):
    """A balanced table."""

    name, outputs = "balance", ("balanced.csv",)

    def arguments(self, folder: Path) -> list[str]:
        return ["balance", str(self.source), str(self.model), "--output", str(folder / "balanced.csv")]


class Evaluate(Deed):
    """A report and its figures."""

    name, outputs = "evaluate", ("report.html", "figures.json")

    def arguments(self, folder: Path) -> list[str]:
        files = ["--output", str(folder / "report.html"), "--json", str(folder / "figures.json")]
        return ["evaluate", str(self.source), str(self.model), "--budget", "4s", *files]

    def content(self, path: Path) -> Any:
        text = path.read_text()
        return text.rstrip().endswith("</html>") if path.suffix == ".html" else "verdict" in json.loads(text)


DEEDS = (Fit, Sample, SampleFolder, Balance, Fit, Sample, SampleFolder, Balance, Evaluate)
"""In turn; an evaluation takes several seconds."""
QUICK = (Fit, Sample, SampleFolder, Balance)


class Harness:
    """Strikes commands in a folder, and counts what happened."""

    def __init__(self, folder: Path, seed: int, deeds: tuple[type[Deed], ...] = DEEDS) -> None:
        self.folder, self.random, self.counts = folder, np.random.default_rng(seed), Counter[str]()
        self.faults: list[str] = []
        source, expected = folder / "rows.csv", folder / "expected"
        write_rows(source)
        self.seconds: dict[str, float] = {}
        self.deeds = [deed(source, expected / "model.onnx") for deed in deeds]
        expected.mkdir()
        for deed in [kind(source, expected / "model.onnx") for kind in dict.fromkeys((Fit, *deeds))]:
            ended = forked(command(deed.arguments(expected)), folder)
            assert ended.code == 0, (deed.name, ended)
            self.seconds[deed.name] = ended.seconds
        self.expected = expected

    def strike(self, number: int, *, may_be_fresh: bool = True) -> None:
        """Send a signal at a random moment of a command, and check what must hold."""
        deed = self.deeds[number % len(self.deeds)]
        sent = SIGNALS[int(self.random.integers(len(SIGNALS)))]
        is_fresh = may_be_fresh and number % FRESH == FRESH - 1
        moment = self.random.uniform(0.15, 4) if is_fresh else self.random.uniform(0, 1.05 * self.seconds[deed.name])
        folder = self.folder / "struck"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        deed.prepare(folder)
        run: Callable[..., Ended] = fresh if is_fresh else lambda words, *more: forked(command(words), *more)
        first = run(deed.arguments(folder), self.folder, (sent, moment))
        self.counts[f"{deed.name}, {sent.name}: {first.code}"] += 1
        wrong = [*self._after_signal(deed, folder, sent, first), *self._after_repetition(deed, folder)]
        where = "fresh" if is_fresh else "forked"
        self.faults += [
            f"{number}: {deed.name}, {sent.name} at {moment:.3f} s ({where}), {first.code}: {what}" for what in wrong
        ]

    def _after_signal(self, deed: Deed, folder: Path, sent: signal.Signals, ended: Ended) -> list[str]:
        wrong = []
        if ended.code not in (0, -sent if sent == signal.SIGKILL else 128 + sent):
            wrong.append(f"left with {ended.code}: {ended.said[-500:]}")
        if "Traceback" in ended.said:
            wrong.append(f"traceback: {ended.said[-2000:]}")
        if ended.seconds > MAX_SECONDS:
            wrong.append(f"took {ended.seconds:.1f} s to end")
        if sent != signal.SIGKILL and any(folder.rglob(".ganaug-*.part")):
            wrong.append("left an unfinished output")
        begun = (folder / "model.onnx.checkpoint" / "checkpoint.json").exists() and "Interrupted: saving" in ended.said
        if begun and ended.code > 0 and all(deed.is_old(folder / name) for name in deed.outputs):
            wrong.append("saved no generator")
        return [*wrong, *self._outputs(deed, folder, may_be_old=ended.code != 0)]

    def _after_repetition(self, deed: Deed, folder: Path) -> list[str]:
        ended = forked(command(deed.again(folder)), self.folder)
        if ended.code:
            return [f"the next run left with {ended.code}: {ended.said[-1000:]}"]
        left = {path.name for path in folder.iterdir()} - set(deed.outputs)
        wrong = [f"left {', '.join(left)}"] if left else []
        if isinstance(deed, Fit) and not self._in_child(partial(self._assert_same, deed, folder)):
            wrong.append("the resumed generator is another one")
        return [*wrong, *self._outputs(deed, folder, may_be_old=False)]

    def _outputs(self, deed: Deed, folder: Path, *, may_be_old: bool) -> list[str]:
        def check(name: str) -> None:
            assert deed.is_whole(folder / name, self.expected / name)

        return [
            f"{name} is half written, missing or old"
            for name in deed.outputs
            if not (may_be_old and deed.is_old(folder / name)) and not self._in_child(partial(check, name))
        ]

    def _assert_same(self, deed: Deed, folder: Path) -> None:
        name = deed.outputs[0]
        assert deed.content(folder / name) == deed.content(self.expected / name)

    def _in_child(self, check: Callable[[], None]) -> bool:
        """Tell whether a check passes; in a process of its own, so that this one starts no threads."""
        return forked(check, self.folder).code == 0


def write_rows(path: Path) -> None:
    """Write a table with a common and a rare class."""
    random = np.random.default_rng(0)
    lines = [
        f"{a:.3f},{b:.3f},{'rare' if i % 4 == 0 else 'common'}" for i, (a, b) in enumerate(random.normal(size=(80, 2)))
    ]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")
