"""The figures of an evaluation as JSON, schema version 1 (see docs/evaluation.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug import __version__
from ganaug.evaluation.copying import Copying, class_copies, pooled_copies
from ganaug.evaluation.fidelity import Fidelity, pooled_class_fidelity, pooled_fidelity
from ganaug.evaluation.findings import findings
from ganaug.evaluation.session import Session, SplitResult
from ganaug.evaluation.splits import fewest_for_a_verdict
from ganaug.evaluation.verdict import Comparison, compare

SCHEMA_VERSION = 1  # of the JSON


def figures_of(session: Session, *, source: str = "", interrupted: bool = False) -> dict[str, Any]:
    """Return everything that is known so far, as plain JSON.

    `source` says where the data came from, and `interrupted` whether the user interrupted the evaluation.
    """
    data, complete = session.data, session.complete
    comparison, fewest = _compared(session, complete), fewest_for_a_verdict(session.folds)
    measured = [result.fidelity for result in session.results if result.fidelity is not None]
    searched = [result.copying for result in session.results if result.copying is not None]
    if session.own_copying is not None:
        searched = [session.own_copying]
    fidelity, copies = pooled_fidelity(measured, session.features_name), pooled_copies(searched)
    classes = _classes(session, comparison, measured, searched)
    return {
        "schema_version": SCHEMA_VERSION,
        "ganaug_version": __version__,
        "modality": data.modality,
        "verdict": comparison.verdict,
        "sentence": sentence_of(comparison, fewest, _untested(session, complete)),
        "classes": classes,
        "arms": _arms(session, comparison),
        "comparison": {
            "splits": comparison.splits,
            "fewest_splits": fewest,
            "repeats": len({result.split.repeat for result in complete}),
            "rival": comparison.rival,
            "chosen": comparison.chosen,
            "difference": comparison.difference.to_dict(),
            "metric": "balanced_accuracy",
            "grouped": session.groups is not None,
        },
        "fidelity": fidelity,
        "copies": copies,
        "findings": findings(
            fidelity, copies, classes, seen=session.seen, repeated=data.n_repeated, grouped=session.groups is not None
        ),
        "training": _training(session),
        "data": {
            "source": source,
            "n": len(data.labels),
            "fingerprint": data.fingerprint,
            # The fingerprint shows whether all of the data was seen. It does not show whether a part of it was.
            "seen_by_model": None if session.seen == "none" else session.seen,
        },
        "settings": {
            "seed": session.settings.seed,
            "budget": session.settings.budget,
            "splits": len(session.splits),
            "folds": session.folds,
            "device": session.settings.device,
            **session.classifier,
        },
        "seconds": round(session.budget.spent, 2),
        "left_out": [*_left_out(session, complete, interrupted), *_not_searched(copies["searched"])],
    }


def _classes(
    session: Session, comparison: Comparison, measured: Sequence[Fidelity], searched: Sequence[Copying]
) -> list[dict[str, Any]]:
    return [
        {
            "name": str(name),
            "count": count,
            # None where no row of the class was tested, which is not "no difference".
            "verdict": None if comparison.class_difference[c].mean is None else comparison.class_verdict[c],
            "rival": comparison.rival,
            "recall": {arm: rows[c].to_dict() for arm, rows in comparison.recall.items()},
            "difference": comparison.class_difference[c].to_dict(),
            "fidelity": pooled_class_fidelity(measured, c),
            "copies": class_copies(searched, c),
        }
        for c, (name, count) in enumerate(session.data.counts.items())
    ]


def _tested(session: Session, complete: Sequence[SplitResult]) -> NDArray[np.int64]:
    """Return the number of different test rows of each class, (n_classes,)."""
    rows = np.unique(np.concatenate([np.zeros(0, np.int64), *(result.split.test for result in complete)]))
    return np.bincount(session.data.labels[rows], minlength=len(session.data.classes))


def _untested(session: Session, complete: Sequence[SplitResult]) -> list[str]:
    """Return the classes with rows of which none was tested; no classes before the first complete split."""
    if not complete:
        return []
    counts = session.data.counts.items()
    return [str(name) for (name, n), tested in zip(counts, _tested(session, complete), strict=True) if n and not tested]


def _compared(session: Session, complete: Sequence[SplitResult]) -> Comparison:
    tested = _tested(session, complete)
    shares = [len(result.split.test) / len(result.split.train) for result in complete]
    tests = [result.split.test for result in complete]
    same = len(tests) > 1 and all(np.array_equal(rows, tests[0]) for rows in tests)
    return compare(
        [result.scores for result in complete],
        session.arms,
        tested,
        test_per_train=float(np.mean(shares)) if shares else 0.0,
        fewest=fewest_for_a_verdict(session.folds),
        test_labels=session.data.labels[tests[0]] if same else None,
    )


def sentence_of(comparison: Comparison, fewest: int, untested: Sequence[str] = ()) -> str:
    """Return the result in one sentence: a verdict needs `fewest` splits, and classes may be `untested`."""
    difference, accuracy = comparison.difference, "balanced accuracy"
    if untested:
        classes = len(comparison.class_difference)
        accuracy += f" of {classes - len(untested)} of the {classes} classes"
    if comparison.chosen is None or difference.mean is None:
        return "Whether synthetic samples help could not be measured: no split was finished."
    if comparison.splits < fewest or difference.low is None or difference.high is None:
        return (
            f"Whether synthetic samples help cannot be told from {comparison.splits} of at least {fewest} splits; so "
            f"far {accuracy} changed by {100 * difference.mean:+.1f} points."
        )
    outcome = {
        "helps": "Synthetic samples help here",
        "hurts": "Synthetic samples hurt here",
        "no difference": "Synthetic samples make no difference here that could be told from chance",
    }[comparison.verdict]
    mean, low, high = (f"{100 * end:+.1f}" for end in (difference.mean, difference.low, difference.high))
    return (
        f"{outcome}: on held-out data, {accuracy} changed by {mean} points (95 % interval {low} "
        f"to {high}) against the best arm without them ({comparison.rival})."
    )


def _arms(session: Session, comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "name": arm.name,
            "kind": arm.kind,
            "metrics": {name: one.to_dict() for name, one in comparison.metrics[arm.name].items()},
            "difference": comparison.to_rival[arm.name].to_dict() if arm.name in comparison.to_rival else None,
        }
        for arm in session.arms
        if arm.name in comparison.metrics
    ]


def _training(session: Session) -> dict[str, Any] | None:
    given = session.generator.metadata["training"] if session.generator is not None else None
    found: Mapping[str, Any] | None = given or next((one.training for one in session.results if one.training), None)
    if not found:
        return None
    measures = [dict(entry) for entry in found.get("history") or [] if isinstance(entry, dict)]
    losses = [
        {"progress": entry.get("progress"), "losses": {name: x for name, x in entry.items() if name != "progress"}}
        for entry in found.get("losses") or []
        if isinstance(entry, dict)
    ]
    history = [entry for entry in [*measures, *losses] if isinstance(entry.get("progress"), int | float)]
    return {
        "history": sorted(history, key=lambda entry: float(entry["progress"])),
        "seconds": found.get("seconds"),
        "steps": found.get("steps"),
        "kept_from": found.get("kept_from"),
    }


def _left_out(session: Session, complete: Sequence[SplitResult], interrupted: bool) -> list[str]:
    found, missing = list(session.left_out), len(session.splits) - len(complete)
    if untested := _untested(session, complete):
        names = ", ".join(map(repr, untested))
        found.append(f"tests of {names}: too few samples to train on and to test on; no accuracy includes them")
    if cut := sum(result.cut_short for result in session.results):
        trained = sum(result.trained for result in session.results)
        where = "each split" if cut == trained else f"{cut} of {trained} splits"
        found.append(f"training of the generators beyond {session.training_seconds or 0:.0f} s in {where}")
    if missing:
        found.append(
            f"{missing} of {len(session.splits)} splits, {'after Ctrl-C' if interrupted else 'for the budget'}"
        )
    return found


def _not_searched(searched: Mapping[str, int]) -> list[str]:
    """Return what the search for copies left out, for the budget."""
    parts = (("samples", "samples", "of_samples"), ("training samples", "training", "of_training"))
    some = [
        f"{searched[whole] - searched[part]:,} of {searched[whole]:,} {noun}"
        for noun, part, whole in parts
        if searched[part] < searched[whole]
    ]
    return [f"{' and '.join(some)} in the search for copies, for the budget"] if some else []
