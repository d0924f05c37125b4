"""``ganaug evaluate``: whether synthetic samples look real, are copies, and help a classifier."""

from typing import TYPE_CHECKING, Any

import click

from ganaug.cli.data_files import files_of_model, files_of_source
from ganaug.cli.interrupts import exit_code
from ganaug.cli.memory import check_memory
from ganaug.cli.options import csv_options, duration, left_out_options, path, seed_option
from ganaug.cli.progress import Moments
from ganaug.cli.streams import tell
from ganaug.cli.text import counted, printable
from ganaug.integrations.progress import shown

if TYPE_CHECKING:
    from pathlib import Path

    from ganaug.data.tables.csv_format import CsvFormat
    from ganaug.data.tables.left_out import LeftOut
    from ganaug.evaluation.evaluate import Report
    from ganaug.evaluation.session import Session


@click.command(
    "evaluate",
    short_help="Find out whether synthetic samples help.",
    help="""Find out whether synthetic samples of SOURCE look real, are copies, and help a classifier.

    SOURCE is a folder of images, signals or clips, or a .csv or .parquet table. It is cut into folds. For each fold, a
    generator is trained on the other folds, and so is a small classifier: with nothing done about class imbalance, with
    the classical remedies, and with synthetic samples. The verdict is one of "helps", "no difference" and "hurts". If
    too few splits were finished for a verdict, it is "no difference", and the sentence beside it says so.

    Columns that the model ignores are left out, as those are that --ignore names.

    A MODEL.onnx that was not trained on SOURCE is judged by SOURCE. A model that was trained on SOURCE is only searched
    for copies. Ctrl-C ends the evaluation, and the results so far are written.
    """,
)
@click.argument("source", type=path)
@click.argument("model", type=path, required=False, metavar="[MODEL.onnx]")
@click.option(
    "--target", metavar="COLUMN", help="The column of a table that holds the classes.  [default: the model's]"
)
@left_out_options
@csv_options
@click.option("--output", type=path, metavar="REPORT.html", help="Write the report as a page that opens in a browser.")
@click.option("--json", "json_file", type=path, metavar="FILE", help="Write every figure with its interval as JSON.")
@seed_option("Seed of splits, classifiers and generators.")
@click.option(
    "--group",
    metavar="NAME",
    help="Samples of one group stay together: a column of a table, or a regular expression for names of files.",
)
@click.option(
    "--budget", type=duration, metavar="TIME", default="10m", show_default=True, help="Time in all, such as 90s."
)
@click.option(
    "--features",
    metavar="FILE",
    help="Network whose features compare images: an ONNX file, or efficientnet-lite0 if installed.",
)
def command(
    source: "Path",
    model: "Path | None",
    target: str | None,
    output: "Path | None",
    json_file: "Path | None",
    seed: int,
    group: str | None,
    budget: float,
    features: str | None,
    csv: "CsvFormat | None",
    left_out: "LeftOut",
) -> None:
    """Run the command."""
    from ganaug.cli import STARTED
    from ganaug.files import check_writable

    files = files_of_source(source)
    files.check_options(target=target, features=features, ignore=left_out.columns, csv=csv)
    for file, ending in ((output, ".html"), (json_file, ".json")):
        if file is not None and file.suffix.lower() != ending:
            raise click.UsageError(f"The file to write must end in {ending}, but is {str(file)!r}.")
        if file is not None:
            check_writable(file, folder=False)

    from ganaug.runtime.generator import Generator

    generator = None if model is None else Generator.load(model)
    if target is None and generator is not None and files_of_model(generator) is files:
        target = files.target_of(generator)
    files.check_source(source, target)
    check_memory()
    click.echo("Loading torch and scikit-learn.", err=True)
    from ganaug.evaluation.evaluate import begin

    asked: dict[str, Any] = {"target": target, "left_out": left_out, "csv": csv, "groups": group}
    session = begin(source, generator, **asked, features=features, budget=budget, seed=seed, started=STARTED)
    counts = f"{counted(len(session.data.labels), 'sample')} of {len(session.data.classes)} classes"
    splits, arms = counted(len(session.splits), "split"), counted(len(session.arms), "arm")
    click.echo(f"{counts}: {splits}, {arms} each.", err=True)
    try:
        report, interrupted = run(session, source=str(source))
    except KeyboardInterrupt as error:
        click.echo("Interrupted: nothing was known yet, and so nothing was written.", err=True)
        raise click.exceptions.Exit(exit_code(error)) from None
    # Without a file, the summary is all that the user gets.
    (tell if output or json_file else click.echo)(summary(report.to_dict()))
    _save(report, json_file, output)
    if interrupted:
        raise click.exceptions.Exit(interrupted)


def _save(report: "Report", json_file: "Path | None", output: "Path | None") -> None:
    """Write both files. If one of them cannot be written, the other is still written."""
    from ganaug.errors import OutputError

    failures = []
    for name, file, save in (("Figures", json_file, report.save_json), ("Report", output, report.save_html)):
        if file is None:
            continue
        try:
            save(file)
        except OutputError as error:
            failures.append(error)
        else:
            tell(f"{name}: {file}")
    if failures:
        raise OutputError(" ".join(map(str, failures)))


def run(session: "Session", *, source: str = "", quiet: bool = False) -> "tuple[Report, int]":
    """Evaluate and show the progress; return the report, and the exit code of the signal that ended it, or 0.

    If there are no results by then, the `KeyboardInterrupt` is raised again.
    """
    from ganaug.evaluation.evaluate import report_of

    interrupted = 0
    try:
        with shown(Moments("planning"), quiet=quiet) as show:
            for moment in session.steps():
                show(moment)
    except KeyboardInterrupt as error:
        measured = any(result.scores or result.fidelity is not None for result in session.results)
        if not measured and session.own_copying is None:
            raise
        interrupted = exit_code(error)
        click.echo("Interrupted: here is what is known so far.", err=True)
    return report_of(session, source=source, interrupted=bool(interrupted)), interrupted


def summary(figures: dict[str, Any]) -> str:
    """Return the figures as text for a terminal."""
    lines = ["", figures["sentence"]]
    if figures["arms"]:
        width = max(len(arm["name"]) for arm in figures["arms"])
        splits = figures["comparison"]["splits"]
        lines += ["", f"Balanced accuracy in percent, over {counted(splits, 'split')}:"]
        order = sorted(figures["arms"], key=lambda arm: -(arm["metrics"]["balanced_accuracy"]["mean"] or 0))
        for arm in order:
            lines.append(f"  {arm['name']:<{width}}  {_percent(arm['metrics']['balanced_accuracy'])}")
    lines += ["", *_likeness(figures), *_copied(figures)]
    for finding in figures["findings"]:
        lines.append(f"{finding['level'].capitalize()}: {finding['text']}")
    if figures["left_out"]:
        lines.append(f"Left out: {'; '.join(figures['left_out'])}.")
    return "\n".join(printable(line) for line in lines)


def _likeness(figures: dict[str, Any]) -> list[str]:
    fidelity = figures["fidelity"]
    told, kernel = fidelity["two_sample_auc"], fidelity["kernel_distance"]
    if told["mean"] is None or kernel["value"] is None or kernel["floor"] is None:
        return []
    # As in the HTML report, a distance that the standard error can explain does not count.
    slack = 2 * (kernel["standard_error"] or 0.0)
    inside = "within" if kernel["value"] <= kernel["floor"] + slack else "beyond"
    coverage = fidelity["coverage"]
    covered = "" if coverage is None else f" Coverage is {coverage:.0%}, by {fidelity['features']}."
    return [
        f"Likeness: a classifier tells real from synthetic with an area under the curve of {told['mean']:.2f} "
        f"({told['low']:.2f} to {told['high']:.2f}; 0.5 is chance). The kernel distance, {kernel['value']:.3g}, is "
        f"{inside} the distance between two halves of the real data, {kernel['floor']:.3g}, plus two standard errors, "
        f"{slack:.2g}.{covered}"
    ]


def _copied(figures: dict[str, Any]) -> list[str]:
    copies = figures["copies"]
    if copies["share"] is None:
        return []
    from ganaug.evaluation.metrics.copies import usual_share

    found = copies["calibration"]["planted_altered_found"]
    planted = "" if found is None else f" Of planted, slightly altered copies {found:.0%} were found."
    return [
        f"Copies: {copies['share']:.1%} of {copies['n']:,} samples, where {usual_share(copies):.0%} are expected by "
        f"chance.{planted}"
    ]


def _percent(estimate: dict[str, float | None]) -> str:
    mean, low, high = (estimate[name] for name in ("mean", "low", "high"))
    if mean is None:
        return "-"
    limits = f"  ({100 * low:.1f} to {100 * high:.1f})" if low is not None and high is not None else ""
    return f"{100 * mean:5.1f}{limits}"
