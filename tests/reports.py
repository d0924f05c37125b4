"""Example evaluations for the tests of the report: real data, plausible figures, hostile text."""

from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.exhibits import Exhibits
from ganaug.runtime.generator import Generator
from tests.paths import MODELS

HOSTILE = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=2">',
    "</script><script>window.hacked=3</script>",
    "' onmouseover='window.hacked=4",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{0}$ \\undefined $",
    "line\u2028separator\u2029\x00\x1b[2J\ud800\ufffe\uffff",
    "\u202egnp.exe",
    "<svg onload=window.hacked=5><style>*{display:none}</style>",
    "http://tracker.invalid/x.png",
    "<!-- --><![CDATA[ ]]> &amp; &lt;",
    "a" * 5000,
)
"""Names and values that attack a page which does not escape them; the report must show them as plain text."""


def estimate(mean: float, reach: float | None) -> dict[str, float | None]:
    return {
        "mean": mean,
        "low": None if reach is None else mean - reach,
        "high": None if reach is None else mean + reach,
    }


def arms(rival: str, chosen: str) -> list[dict[str, Any]]:
    base = [
        ("nothing", "nothing", 0.861),
        ("class weights", "classical", 0.884),
        (rival, "classical", 0.902),
        ("tuned threshold", "classical", 0.879),
        ("random oversampling", "classical", 0.881),
        ("gan 15 %", "gan", 0.915),
        (chosen, "gan", 0.924),
        ("albumentations + gan 30 %", "classical+gan", 0.921),
        ("jittered copies", "placebo", 0.886),
        ("synthetic only", "synthetic only", 0.802),
    ]
    return [
        {
            "name": name,
            "kind": kind,
            "metrics": {
                "balanced_accuracy": estimate(value, 0.014),
                "macro_f1": estimate(value - 0.012, 0.015),
                "average_precision": estimate(value + 0.03, 0.011),
                "brier": estimate(0.25 - value / 5, 0.008),
                "calibration_error": estimate(0.04, 0.01),
            },
            "difference": None if name == rival else estimate(value - 0.902, 0.017),
        }
        for name, kind, value in base
    ]


def figures(
    modality: str, classes: list[str], counts: list[int], *, history: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return a complete dictionary of plausible figures, as `Report.to_dict` returns it."""
    rival, chosen = "balanced sampling", "gan 30 %"
    entries = []
    for index, (name, count) in enumerate(zip(classes, counts, strict=True)):
        gain = 0.05 * index / len(classes)
        entries.append(
            {
                "name": name,
                "count": count,
                "verdict": "helps" if gain > 0.035 else "no difference",
                "rival": rival,
                "recall": {rival: estimate(0.95 - 2 * gain, 0.02), chosen: estimate(0.95 - gain, 0.02)},
                "difference": estimate(gain, 0.03),
                "fidelity": {"precision": 0.9 - gain, "recall": 0.7, "coverage": 0.8},
                "copies": {"share": 0.02 * gain, "n": 200},
            }
        )
    return {
        "schema_version": 1,
        "ganaug_version": "0.1.0",
        "modality": modality,
        "verdict": "helps",
        "sentence": "Synthetic samples help: the classifier recognises the average class 2.2 points more often.",
        "classes": entries,
        "arms": arms(rival, chosen),
        "comparison": {
            "splits": 15,
            "repeats": 3,
            "rival": rival,
            "chosen": chosen,
            "difference": estimate(0.022, 0.017),
            "metric": "balanced_accuracy",
            "grouped": False,
        },
        "fidelity": {
            "features": "a classifier trained on the training part",
            "two_sample_auc": estimate(0.71, 0.04),
            "realism_auc": estimate(0.58, 0.05),
            "frechet_distance": {"value": 4.31, "floor": 1.22},
            "kernel_distance": {"value": 0.0123, "standard_error": 0.0021, "floor": 0.0035},
            "inception_score": {"value": 7.9, "real": 8.8} if modality == "image" else None,
            "precision": 0.91,
            "recall": 0.68,
            "density": 1.04,
            "coverage": 0.83,
            "columns": None,
            "associations": None,
            "constraints": None,
        },
        "copies": {
            "share": 0.031,
            "expected_share": 0.01,
            "threshold": 0.42,
            "n": 1000,
            "calibration": {"planted_exact_found": 1.0, "planted_altered_found": 0.97, "false_alarms": 0.012},
            "membership_auc": estimate(0.53, 0.04),
        },
        "findings": [
            {"level": "note", "text": "Confidence intervals are over 15 splits of one data set."},
            {"level": "warning", "text": "The class '9' has 5 real samples; nothing certain can be said of it."},
            {
                "level": "alarm",
                "text": "The class '9' varies 0.45 times as much as real samples do: it has collapsed.",
            },
        ],
        "training": {"history": history, "seconds": 80.8, "steps": 3415, "kept_from": 0.6} if history else None,
        "data": {
            "source": "photos/",
            "n": sum(counts),
            "fingerprint": "sha256:" + "5f" * 32,
            "seen_by_model": "not applicable",
        },
        "settings": {"seed": 0, "budget": "10m", "device": "cpu"},
        "seconds": 611.2,
        "left_out": ["The arm 'albumentations + gan 60 %': the budget of 10 minutes was spent."],
    }


def digits() -> tuple[dict[str, Any], Exhibits]:
    """Return an example evaluation of scikit-learn's digits, with samples of the model in `onnx_models`."""
    from sklearn.datasets import load_digits

    generator = Generator.load(MODELS / "digits.onnx")
    classes, counts = [str(name) for name in generator.classes], list(generator.metadata["class_counts"])
    raw = load_digits()
    pixels = np.round(raw.images * (255 / 16)).astype(np.uint8)[..., None]
    real = {name: pixels[raw.target == int(name)][:24] for name in classes}
    images, labels = generator.sample(dict.fromkeys(classes, 24), seed=1)
    synthetic = {name: images[labels == name] for name in classes}
    progress = np.linspace(0, 1, 60)
    history = generator.metadata["training"]["history"]
    losses = [
        {
            "progress": float(p),
            "losses": {
                "generator": float(2 - p + 0.2 * np.sin(40 * p)),
                "discriminator": float(1 + 0.3 * p),
                "variety": 0.0,
            },
        }
        for p in progress
    ]
    quiz = [(real[name][n], True) for name in classes for n in (9,)] + [(synthetic[name][9], False) for name in classes]
    order = np.random.default_rng(0).permutation(len(quiz))
    exhibits = Exhibits(
        real=real,
        synthetic=synthetic,
        walk={name: walk(generator, name) for name in classes},
        closest=[(name, real[name][0], synthetic[name][0], 0.3 + 0.1 * int(name)) for name in classes],
        quiz=[quiz[index] for index in order],
    )
    return figures(
        "image", classes, counts, history=sorted([*losses, *history], key=lambda step: step["progress"])
    ), exhibits


def walk(generator: Generator, name: str) -> np.ndarray:
    """Return frames that cross-fade one sample into another, in place of a walk through the latent space."""
    (a, b), _ = generator.sample({name: 2}, seed=3)
    mix = np.linspace(0, 1, 16)[:, None, None, None]
    return np.asarray((1 - mix) * a + mix * b).astype(np.uint8)


def wine() -> tuple[dict[str, Any], Exhibits]:
    """Return an example evaluation of scikit-learn's wine, with a categorical and a datetime column added."""
    from sklearn.datasets import load_wine

    generator = Generator.load(MODELS / "wine.onnx")
    raw = load_wine(as_frame=True)
    classes = [str(name) for name in generator.classes]
    names = np.array(classes)[raw.target]
    rows, labels = generator.sample(dict.fromkeys(classes, 60), seed=1)
    random = np.random.default_rng(0)
    real, synthetic = raw.data.copy(), rows.copy()
    for frame in (real, synthetic):
        frame["grape"] = random.choice(["barbera", "barolo", "grignolino"], len(frame), p=[0.5, 0.3, 0.2])
        frame["bottled"] = pd.Timestamp("2019-03-01") + pd.to_timedelta(random.integers(0, 1500, len(frame)), unit="D")
        frame.loc[frame.index[::9], "ash"] = np.nan
    made = figures("table", classes, [59, 71, 48], history=generator.metadata["training"]["history"])
    made["data"]["source"] = "wine.csv"
    made["fidelity"] |= {
        "columns": [
            {"name": name, "kind": "number", "distance": round(0.02 + 0.01 * index, 3), "floor": 0.03}
            for index, name in enumerate(real.columns)
        ],
        "associations": {"distance": 0.061, "floor": 0.048},
        "constraints": {"checked": 15, "violated": 0},
    }

    def as_text(row: Any) -> dict[str, str]:
        return {str(name): f"{value:.4g}" if isinstance(value, float) else str(value) for name, value in row.items()}

    quiz = [(as_text(real.iloc[index]), True) for index in range(10)]
    quiz += [(as_text(synthetic.iloc[index]), False) for index in range(10)]
    exhibits = Exhibits(
        real={name: real[names == name] for name in classes},
        synthetic={name: synthetic[labels == name] for name in classes},
        closest=[(classes[i % 3], real.iloc[i], synthetic.iloc[i], 0.2 + 0.1 * i) for i in range(4)],
        quiz=[quiz[index] for index in random.permutation(len(quiz))],
        distributions=[
            {
                "name": name,
                "kind": "category" if name == "grape" else "datetime" if name == "bottled" else "number",
                "real": real[name].to_numpy(),
                "synthetic": synthetic[name].to_numpy(),
            }
            for name in real.columns
        ],
    )
    return made, exhibits


def minimal() -> tuple[dict[str, Any], Exhibits]:
    """Return an evaluation in which every figure is missing."""
    made: dict[str, Any] = dict.fromkeys(figures("image", ["a"], [1]))
    made |= {"schema_version": 1, "ganaug_version": "0.1.0", "modality": "image", "verdict": "no difference"}
    made |= {"sentence": "Nothing could be measured: the model has seen all of this data.", "classes": [], "arms": []}
    made |= {"findings": [], "left_out": [], "settings": {}, "data": {"source": None, "seen_by_model": "all"}}
    return made, Exhibits()


def _tainted(value: Any, index: int = 0) -> Any:
    """Replace every text by hostile text, except for the fixed words of the schema."""
    fixed = {
        "image",
        "table",
        "helps",
        "no difference",
        "hurts",
        "alarm",
        "warning",
        "note",
        "gan",
        "nothing",
        "classical",
    }
    if isinstance(value, dict):
        return {key: _tainted(entry, index + place) for place, (key, entry) in enumerate(value.items())}
    if isinstance(value, list):
        return [_tainted(entry, index + place) for place, entry in enumerate(value)]
    return HOSTILE[index % len(HOSTILE)] if isinstance(value, str) and value not in fixed else value


def hostile_images() -> tuple[dict[str, Any], Exhibits]:
    """Return an evaluation of images in which every name is hostile text."""
    names = [*HOSTILE, *(f"{name} again" for name in HOSTILE)]
    made = _tainted(figures("image", names, list(range(len(names), 0, -1))))
    for entry, name in zip(made["classes"], names, strict=True):
        entry["name"] = name
        entry["recall"] = {name: estimate(0.5, 0.1)}
    made["comparison"] |= {"rival": HOSTILE[1], "chosen": HOSTILE[2]}
    made["settings"] = dict(zip(HOSTILE, reversed(HOSTILE), strict=True))
    made["training"] = {
        "history": [{"progress": p, "losses": {HOSTILE[0]: p, HOSTILE[5]: 1 - p}} for p in (0.0, 0.5, 1.0)],
        "steps": 3,
        "seconds": 1.0,
    }
    random = np.random.default_rng(0)
    images = {name: random.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8) for name in names}
    first = images[names[0]][0]
    return made, Exhibits(
        real=images,
        synthetic=images,
        walk=images,
        closest=[(name, first, first, 0.0) for name in names],
        quiz=[
            (image, bool(index % 2))
            for index, image in enumerate(random.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8))
        ],
    )


def hostile_table() -> tuple[dict[str, Any], Exhibits]:
    """Return an evaluation of a table in which every column, class and value is hostile text."""
    names = list(HOSTILE)
    made = _tainted(figures("table", names, [5] * len(names)))
    for entry, name in zip(made["classes"], names, strict=True):
        entry["name"] = name
    made["fidelity"]["columns"] = [{"name": name, "kind": name, "distance": 0.5, "floor": 0.1} for name in names]
    # A lone surrogate can occur in the name of a folder, but not in a DataFrame.
    values = [text.replace("\ud800", "") for text in names]
    frame = pd.DataFrame(dict.fromkeys(values, values))
    row = dict(zip(names, reversed(names), strict=True))
    return made, Exhibits(
        real=dict.fromkeys(names, frame),
        synthetic=dict.fromkeys(names, frame),
        closest=[(name, frame.iloc[0], frame.iloc[1], 0.1) for name in names],
        quiz=[(row, True), (row, False), (row, True), (row, False)],
        distributions=[
            {
                "name": name,
                "kind": name,
                "real": np.array(names, dtype=object),
                "synthetic": np.array(values, dtype=object),
            }
            for name in names
        ],
    )
