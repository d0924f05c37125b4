"""Write the figures of the benchmark of tables as Markdown."""

from __future__ import annotations

import statistics

from learners import METRICS
from ranking import TIE
from runs import Record, markdown_table
from table_report import OWN

__all__ = ["as_markdown"]

TITLES = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "balanced_accuracy_corrected": "balanced accuracy, corrected",
    "macro_f1_corrected": "macro F1, corrected",
    "brier_corrected": "Brier score, corrected",
    "calibration_error_corrected": "calibration error, corrected",
    "balanced_accuracy_tuned": "balanced accuracy, tuned",
    "macro_f1_tuned": "macro F1, tuned",
}
RANKINGS = ("average_precision", "roc_auc", "balanced_accuracy", "macro_f1")
"""Metrics on which methods are compared first."""
MAIN = (*RANKINGS, "brier", "calibration_error")
DECISIONS = tuple(f"{name}{suffix}" for name in RANKINGS[2:] for suffix in ("", "_corrected", "_tuned"))
PROBABILITIES = ("brier", "brier_corrected", "calibration_error", "calibration_error_corrected")
DUELS = (*RANKINGS, "brier", "brier_corrected", "balanced_accuracy_tuned", "macro_f1_tuned")


def as_markdown(results: Record) -> str:
    """Return the results as tables in Markdown."""
    summary, settings, machine = results["summary"], results["settings"], results["machine"]
    head = (
        f"# Tables: what ganaug measures\n\nImbalanced tables, {len(summary['sets'])} of "
        f"{results['selected']} selected sets; {settings['folds']} of 5 stratified folds, resampling inside the fold "
        f"only; learners: {', '.join(settings['learners'])}. {machine['processor']}, {machine['cores']} cores, "
        f"torch {machine['torch']}. Made by `python benchmarks/tables.py`."
    )
    left = [f"{method} ({why})" for method, why in results["absent"].items()]
    measured = [f"{method} {count}" for method, count in summary["available"].items()]
    sections = [head, f"Sets measured: {', '.join(measured) or 'none'}. Not measured: {', '.join(left) or 'none'}."]
    if not summary["sets"]:
        return "\n\n".join([*sections, "No set is complete for every method."]) + "\n"
    sections += [
        "## Mean ranks\n\n1 is the best; each set counts once, with its mean over folds and learners. Of ganaug's "
        "several arms each is ranked among the other methods alone, and these beside the first of them.\n\n"
        + _by_metric(summary, "mean_rank", 2, MAIN),
        "## Means\n\nDecisions at a threshold of .5, and probabilities as the learner returns them.\n\n"
        + _by_metric(summary, "mean", 3, MAIN),
        "## Decisions\n\nMeans at a threshold of .5, after the correction of the prior, and at a threshold tuned on "
        "training rows where the report has such thresholds.\n\n" + _by_metric(summary, "mean", 3, DECISIONS),
        "## Probabilities\n\nMeans before and after the correction of the prior. The last column is the corrected "
        "Brier score minus that of doing nothing.\n\n" + _probabilities(summary),
        *_duel_sections(summary),
        *([_worse_section(summary)] if "worse_than_nothing" in summary else []),
        "## Mean ranks by learner\n\n"
        + "\n\n".join(_by_learner(summary, metric) for metric in ("average_precision", "balanced_accuracy")),
        "## Seconds to resample\n\nA generator's training included; over sets and folds, one core each.\n\n"
        + _seconds_table(summary["seconds"]),
    ]
    if summary["notes"]:
        sections.append(
            "## Arms that a library could not make\n\n" + "\n".join(f"- {k} ({n})" for k, n in summary["notes"].items())
        )
    if "guard" in summary:
        sections.append("## The automatic choice\n\n" + _guard_text(summary["guard"], len(summary["sets"])))
    if results.get("speed"):
        sections.append("## Speed\n\n" + _speed_text(results["speed"]))
    return "\n\n".join(sections) + "\n"


def _by_metric(summary: Record, figure: str, decimals: int, wanted: tuple[str, ...]) -> str:
    metrics = {name: summary["metrics"][name] for name in wanted if name in summary["metrics"]}
    best = {m: (min if figure == "mean_rank" or METRICS[m] < 0 else max)(metrics[m][figure].values()) for m in metrics}
    rows = []
    for arm in summary["arms"]:
        cells = []
        for metric in metrics:
            value = metrics[metric][figure][arm]
            cells.append(f"**{value:.{decimals}f}**" if value == best[metric] else f"{value:.{decimals}f}")
        rows.append([arm, *cells])
    return markdown_table(["", *(TITLES[metric] for metric in metrics)], rows)


def _probabilities(summary: Record) -> str:
    means = {metric: summary["metrics"][metric]["mean"] for metric in PROBABILITIES}
    nothing = means["brier"].get("nothing")
    rows = []
    for arm in summary["arms"]:
        against = "-" if nothing is None else f"{means['brier_corrected'][arm] - nothing:+.4f}"
        rows.append([arm, *(f"{means[metric][arm]:.4f}" for metric in PROBABILITIES), against])
    return markdown_table(["", *(TITLES[metric] for metric in PROBABILITIES), "against nothing"], rows)


def _worse_section(summary: Record) -> str:
    """Return how many sets an arm makes worse than nothing does."""
    found = {metric: own for metric, own in summary["worse_than_nothing"].items() if metric in DUELS}
    arms = [arm for arm in summary["arms"] if arm != "nothing"]
    rows = [[arm, *(str(len(own[arm])) for own in found.values())] for arm in arms]
    return (
        f"## Worse than nothing\n\nSets, of {len(summary['sets'])}, on which an arm is worse than nothing by more than "
        "one standard error over the folds (mean over learners).\n\n"
        + markdown_table(["", *(TITLES[metric] for metric in found)], rows)
    )


def _by_learner(summary: Record, metric: str) -> str:
    ranks = summary["metrics"][metric]["mean_rank_by_learner"]
    rows = [[arm, *(f"{ranks[name][arm]:.2f}" for name in ranks)] for arm in summary["arms"]]
    return f"{TITLES[metric].capitalize()}:\n\n" + markdown_table(["", *ranks], rows)


def _duel_sections(summary: Record) -> list[str]:
    sections = []
    metrics = [metric for metric in DUELS if metric in summary["metrics"]]
    for own in (arm for arm in summary["arms"] if arm.startswith(OWN)):
        rivals = [arm for arm in summary["arms"] if not arm.startswith(OWN)]
        rows = []
        for rival in rivals:
            found = [summary["metrics"][metric]["duels"][own][rival] for metric in metrics]
            rows.append([rival, *(f"{d['wins']}/{d['ties']}/{d['losses']}, {_p(d['p_holm'])}" for d in found)])
        titles = ["", *(TITLES[metric] for metric in metrics)]
        sections.append(
            f"## {own}\n\nSets won/level/lost against each other method (level: within {TIE:g}), and the p-value of "
            f"Wilcoxon's signed-rank test after Holm's correction.\n\n" + markdown_table(titles, rows)
        )
    return sections


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".")


def _seconds_table(seconds: Record) -> str:
    rows = []
    for arm, own in seconds.items():
        low, high = own["quartiles"]
        rows.append([arm, f"{own['median']:.3g}", f"{low:.3g} to {high:.3g}", f"{own['longest']:.3g}"])
    return markdown_table(["", "median", "quartiles", "longest"], rows)


def _guard_text(guard: Record, sets: int) -> str:
    chosen = ", ".join(f"{name} {count}" for name, count in guard["chosen"].items())
    low, middle, high, longest = guard["fit_seconds"]
    return (
        f'`policy="auto"` is worse than doing nothing by more than one standard error of balanced accuracy on '
        f"{len(guard['worse_sets'])} of {sets} sets (mean over learners; the error is that of the test rows, on which "
        f"both are compared), and in {guard['worse_share_of_set_and_learner']:.1%} of all pairs of set and learner; on "
        f"average it gains {100 * guard['mean_difference']:+.2f} points. What it chose: {chosen}. A fit takes "
        f"{middle:.0f} s (median; quartiles {low:.0f} and {high:.0f}, longest {longest:.0f}), all its trials included."
    )


def _speed_text(speed: Record) -> str:
    rate = {name: f"{rows:,.0f}" for name, rows in speed["rows_per_second"].items()}
    start = {code: statistics.median(seconds) for code, seconds in speed["import_seconds"].items()}
    return (
        f"Rows of {speed['columns']} columns a second through onnxruntime alone, noise included: "
        f"{rate['bare, one thread']} on one thread, {rate['bare, all threads']} on all; as a DataFrame through "
        f"`Generator.sample`: {rate['generator']}. `import ganaug` takes "
        f"{start['import ganaug'] - start['pass']:.3f} s beyond Python's start and loads "
        f"{', '.join(speed['heavy_modules']) or 'no heavy library'}."
    )
