"""`python -m experiments`: comparisons that take longer than a test may.

What imports torch is imported inside the commands: `share_cores_with_others` has to come first.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoseg.cli.terminal.display import TerminalProgress, console, errors, show_table
from autoseg.hardware import share_cores_with_others
from dataset_fingerprints.errors import AutosegError
from experiments.costs.inference_command import inference
from experiments.labelling_command import labelling
from experiments.metric_commands import compare_with_peers, time_evaluation
from experiments.peers.commands import peers
from experiments.rivals_command import in_turn, rivals

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(peers, name="peers")
peers.command("metrics")(compare_with_peers)
app.command("evaluation")(time_evaluation)

Device = Literal["cuda", "cpu"]

app.command()(inference)
app.command()(labelling)
app.command()(rivals)
app.command("in-turn")(in_turn)


@app.command()
def scaling(
    cases: Annotated[list[int] | None, typer.Option(help="How many; repeatable, ascending.")] = None,
) -> None:
    """Measure reading, checking and fingerprinting of small cases: is it linear, and is memory flat?"""
    from experiments.costs.scaling import COLUMNS, measure_scaling

    with tempfile.TemporaryDirectory() as folder:
        points = measure_scaling(cases or [250, 500, 1000, 2000], Path(folder))
    show_table("Reading, checking and fingerprinting", COLUMNS, [point.row() for point in points])


@app.command()
def many_cases(
    cases: Annotated[list[int] | None, typer.Option(help="How many; repeatable, ascending.")] = None,
    work: Annotated[Path, typer.Option(help="Where everything is written; new or empty.")] = Path("many-cases-work"),
) -> None:
    """Measure the commands on more and more tiny cases: is each linear, and is memory flat?"""
    from experiments.costs.many_cases import COLUMNS, draw_growth, measure_growth

    points = []
    for point in measure_growth(cases or [1250, 2500, 5000, 10_000], work):
        points.append(point)
        console.print(" ".join(point.row()), soft_wrap=True)
    show_table("Commands on tiny cases", COLUMNS, [point.row() for point in points])
    draw_growth(points, work / "growth.png")
    console.print(f"Picture: {work / 'growth.png'}", soft_wrap=True)


@app.command("walk")
def walk_page(
    page: Annotated[Path, typer.Argument(help="A page of the documentation.")],
    work: Annotated[Path, typer.Option(help="Where its commands run; new or empty.")] = Path("walk-work"),
    write: Annotated[bool, typer.Option(help="Write the outputs into the page.")] = False,
) -> None:
    """Carry out every command of a page, and write what they printed below them."""
    from experiments.reference.walking import show_outputs, walk
    from experiments.work_folders import refuse_used

    refuse_used(work)
    text, ran = page.read_text(encoding="utf-8"), []
    for one in walk(text, work):
        ran.append(one)
        console.print(f"{one.seconds:.0f} s: {one.block.typed.strip()}", soft_wrap=True, markup=False)
    if write:
        page.write_text(show_outputs(text, ran), encoding="utf-8")


@app.command()
def foretold(
    data: Annotated[list[Path], typer.Argument(help="Raw data sets.")],
    iterations: Annotated[int, typer.Option(help="Of every training.")] = 500,
    work: Annotated[Path, typer.Option(help="Where everything is written; new or empty.")] = Path("foretold-work"),
) -> None:
    """Compare the costs that `autoseg explain --cost` foretells with what the commands then take."""
    from experiments.costs.foretold import COLUMNS, compare_costs

    rows = []
    for number, one in enumerate(data):
        options = ("--set", f"training.iterations={iterations}")
        rows += [found.row() for found in compare_costs(one, options, work / str(number))]
    show_table("Costs, foretold and measured", COLUMNS, rows)


@app.command()
def augmentation(
    environment: Annotated[Path, typer.Option(help="nnU-Net's virtual environment.")] = Path("peers-nnunet"),
) -> None:
    """Compare augmentation with batchgeneratorsv2's: rotations, labels, and the statistics of changed intensities."""
    from experiments.peers.nnunet import COMPARED, compare_augmentation

    for title, rows in compare_augmentation(environment).items():
        show_table(*COMPARED[title], rows)


@app.command()
def residency(
    work: Annotated[Path, typer.Option(help="Where everything is written; new or empty.")] = Path("residency-work"),
    cases: Annotated[int, typer.Option(help="How many.")] = 100,
    edge: Annotated[int, typer.Option(help="Of a case, in voxels.")] = 128,
    iterations: Annotated[int, typer.Option(help="Of every training.")] = 60,
) -> None:
    """Train with none, a tenth and all of the cases in memory: what does the process take, are the weights the same?"""
    from experiments.costs.case_residency import HELD_COLUMNS, compare_residency

    held = list(compare_residency(work, cases, edge, iterations))
    show_table("One training, its cases on the disk and in memory", HELD_COLUMNS, [one.row(held[0]) for one in held])


@app.command()
def prediction(
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("prediction-work"),
    shape: Annotated[tuple[int, int, int], typer.Option(help="Of the scan, in voxels.")] = (512, 512, 600),
    network: Annotated[
        tuple[int, int], typer.Option(help="Labels that it tells apart, and the edge of its patches in voxels.")
    ] = (20, 64),
    step: Annotated[float, typer.Option(help="Distance of tiles as a share of a patch.")] = 0.5,
    flips: Annotated[bool, typer.Option(help="Average over them, too.")] = False,
    limits: Annotated[
        list[float] | None, typer.Option("--limit", help="For --max-memory-gb; repeatable. Default: what is free.")
    ] = None,
) -> None:
    """Predict a scan of noise with a tiny network in a process of its own: seconds and peak memory."""
    from experiments.costs.prediction import COLUMNS, Tiny, Way, measure_predictions

    work.mkdir(parents=True, exist_ok=True)
    mirrors = (False, True) if flips else (False,)
    ways = [Way(shape=shape, mirror=mirror, max_memory_gb=limit) for limit in limits or [0.0] for mirror in mirrors]
    labels, edge = network
    tiny = Tiny(labels=labels, edge=edge, step_share=step)
    rows = [one.row() for one in measure_predictions(work.resolve(), ways, tiny)]
    show_table(f"autoseg predict, {labels} labels, patches of {edge} voxels", COLUMNS, rows)


@app.command()
def growth(
    data: Annotated[Path, typer.Option(help="A raw data set.")],
    work: Annotated[Path, typer.Option(help="Where everything is written; new or empty.")] = Path("growth-work"),
    iterations: Annotated[int, typer.Option(help="Of the training.")] = 500,
    edge: Annotated[int, typer.Option(help="Of a patch, in voxels.")] = 32,
) -> None:
    """Train with the strong augmentation on cases in memory: does the process grow?"""
    from experiments.costs.case_residency import GROWTH_COLUMNS, watch_growth

    found = watch_growth(data, work, iterations, edge)
    show_table("Memory of the training process", GROWTH_COLUMNS, found.rows())
    console.print(f"Second half: {found.slope_mb():+.0f} MiB per 1,000 iterations.")


@app.command()
def gpu(
    minutes: Annotated[float, typer.Option(min=0.1, help="For all parts; each gets its share.")] = 8.0,
    out: Annotated[Path, typer.Option(help="The folder for gpu.json and logs.")] = Path("gpu-results"),
    parts: Annotated[str, typer.Option(help="Some of them, separated by commas; else all.")] = "",
    data: Annotated[
        str, typer.Option(help="To train on: a path, a name in shared/data or ../shared/data, or `simulated`.")
    ] = "Task04_Hippocampus",
    device: Annotated[
        Device, typer.Option(help="cpu makes every part tiny, and only shows that its code runs.")
    ] = "cuda",
) -> None:
    """Show in minutes what a CUDA GPU has to show: tests, memory, steps, resuming, prediction, folds, a Dice."""
    from experiments.gpu.parts import PARTS
    from experiments.gpu.running import PartReport, Settings, choose_parts, find_data, run_parts, summarise

    def show(report: PartReport) -> None:
        title = f"{PARTS[report.part].title} ({report.part})"
        if report.rows:
            show_table(title, report.columns(), report.texts())
        else:
            console.print(title, style="bold")
        for text in (*report.said, *([f"{report.state}: {report.error}"] if report.error else [])):
            console.print(text)

    settings = Settings(
        minutes=minutes, out=out.resolve(), parts=choose_parts(parts), data=find_data(data), device=device
    )
    reports = run_parts(settings, show)
    show_table("All parts", ("part", "state", "s", "found"), summarise(reports))
    console.print(f"All figures: {out / 'gpu.json'}", soft_wrap=True)
    if any(report.state not in ("done", "skipped") for report in reports):
        raise typer.Exit(1)


@app.command()
def steps(
    data: Annotated[Path, typer.Option(help="A raw data set.")],
    patch: Annotated[tuple[int, int, int], typer.Option(help="In voxels.")] = (128, 128, 128),
    batch: Annotated[int, typer.Option(help="Patches.")] = 2,
    features: Annotated[
        list[int] | None, typer.Option(help="Of a stage; repeatable, finest first. Default: 32 to 320 in six stages.")
    ] = None,
    cores: Annotated[int | None, typer.Option(help="That each may use. Default: all.")] = None,
    turns: Annotated[int, typer.Option(help="Of two steps each.")] = 10,
) -> None:
    """Time training steps with and without augmentation and the bare network's in turns, on a CPU or a GPU."""
    from experiments.costs.steps import BARE, TRAINER, UNCHANGED, StepPlan, enter_ours, plan_ours, show, time_steps

    plan = StepPlan(patch_shape=patch, batch_size=batch, features=tuple(features or (32, 64, 128, 256, 320, 320)))
    with tempfile.TemporaryDirectory() as folder:
        plan_ours(data, Path(folder), plan)
        contenders = time_steps(enter_ours(Path(folder), (TRAINER, UNCHANGED, *BARE)), turns, cores)
    columns = ("who", "median s", "range", "steps", f"{TRAINER} / it", f"{UNCHANGED} / it", "said")
    show_table("Seconds per training step", columns, show(contenders, TRAINER, UNCHANGED))


@app.command()
def speed(rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 3) -> None:
    """Compare predicted and measured seconds of training steps on this machine."""
    from experiments.costs.speed import check_speed

    columns = ("data set", "configuration", "predicted", "measured", "predicted / measured (range)")
    show_table("Seconds of a training step, medians", columns, [check.row() for check in check_speed(rounds)])


@app.command()
def confidence(
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("confidence-work"),
    lesion_masks: Annotated[Path | None, typer.Option(help="As for autoseg simulate.")] = None,
    iterations: Annotated[int, typer.Option(help="Of each fold's training.")] = 600,
    picture: Annotated[
        Path | None, typer.Option(help="Of predicted against true Dice; else in the work folder.")
    ] = None,
) -> None:
    """Put predicted Dice to held-out simulated scans: how far off is it, and do its intervals hold?"""
    from autoseg.cli.terminal.display import TerminalProgress
    from experiments.confidence import COLUMNS, SIMULATION, draw_study, run_study

    simulation = replace(SIMULATION, lesion_masks=str(lesion_masks.resolve()) if lesion_masks else "")
    study = run_study(work.resolve(), simulation, iterations, TerminalProgress())
    place = picture or work / "confidence.png"
    draw_study(study, place)
    console.print(f"Cross-validation: {study.calibration.describe()}", soft_wrap=True)
    show_table("Held-out scans", COLUMNS, study.rows())
    console.print(f"Picture: {place}", soft_wrap=True)


@app.command()
def starts(
    work: Annotated[Path, typer.Option(help="Where everything is written; an empty or new folder.")] = Path(
        "starts-work"
    ),
    model_steps: Annotated[int, typer.Option(help="Of the training of the model.")] = 600,
    steps: Annotated[list[int] | None, typer.Option(help="Of the others; repeatable. Default: 30 and 100.")] = None,
) -> None:
    """Train on few simulated scans from a model of other ones and from random weights, for the same few steps."""
    from experiments.starts import COLUMNS, Conditions, compare_starts

    conditions = Conditions(model_steps=model_steps, steps=tuple(steps or (30, 100)))
    rows = list(compare_starts(work.resolve(), conditions, TerminalProgress()))
    show_table(f"A model trained for {model_steps} steps on other scans, one training each", COLUMNS, rows)


@app.command()
def tuned(
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("tuned-work"),
    seeds: Annotated[int, typer.Option(help="Searches of each kind.")] = 5,
    minutes: Annotated[float, typer.Option(help="For each search and its proof.")] = 5.0,
    iterations: Annotated[
        int | None, typer.Option(help="Steps of the longest trainings, in place of a share of the time.")
    ] = None,
    over: Annotated[list[str] | None, typer.Option(help="As for autoseg tune. Default: rate.")] = None,
) -> None:
    """Find out whether `autoseg tune` finds a learning rate that is ten times too low, and takes nothing otherwise."""
    from experiments.tuned import COLUMNS, SUMMARY_COLUMNS, Conditions, search_planted, summarise

    conditions = Conditions(
        minutes=minutes if iterations is None else None, iterations=iterations, over=tuple(over or ("rate",))
    )
    found = []
    for one in search_planted(work.resolve(), conditions, range(seeds), TerminalProgress()):
        found.append(one)
        show_table("Searches on simulated scans", COLUMNS, [each.row() for each in found])
    show_table("Decisions", SUMMARY_COLUMNS, summarise(found))


@app.command()
def selection(
    seeds: Annotated[int, typer.Option(help="Simulated cross-validations of each kind.")] = 20,
    lesion_masks: Annotated[
        Path | None, typer.Option(help="Instead, train on scans with these lesion shapes (MNI space).")
    ] = None,
    work: Annotated[Path, typer.Option(help="Where scans and trainings are written.")] = Path("selection-work"),
    minutes: Annotated[float, typer.Option(help="To train each of the five folds in.")] = 1.0,
) -> None:
    """Find out whether `autoseg select` decides rightly: on planted effects, or on lesion shapes of patients."""
    if lesion_masks is not None:
        from experiments.selecting.lesions import COLUMNS as WAYS
        from experiments.selecting.lesions import compare_on_lesions

        found = compare_on_lesions(work, lesion_masks, minutes, TerminalProgress())
        show_table("Held-out scans", WAYS, found.rows())
        console.print(found.describe(), soft_wrap=True)
        return
    from experiments.selecting.decisions import COLUMNS, decide_planted, summarise
    from experiments.selecting.planted import EFFECTS

    outcomes = {effect: list(decide_planted(effect, range(seeds))) for effect in EFFECTS}
    show_table("Decisions on planted effects", COLUMNS, summarise(outcomes))


@app.command()
def statistics(repeats: Annotated[int, typer.Option(help="Samples of each kind.")] = 500) -> None:
    """Find out whether 95 % intervals hold the truth in 95 % of samples, and whether tests find what they promise."""
    from experiments.statistics import COVERAGE_COLUMNS, TEST_COLUMNS, measure_coverage, measure_tests

    rows = [one.row() for one in measure_coverage(repeats=repeats)]
    show_table(f"Share of 95 % intervals that hold the true mean, {repeats} samples", COVERAGE_COLUMNS, rows)
    found = [one.row() for one in measure_tests(repeats=repeats)]
    show_table(f"Share of {repeats} samples with p < 0.05", TEST_COLUMNS, found)


@app.command()
def checkouts(
    before: Annotated[Path, typer.Argument(help="A checkout of autoseg.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    work: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("checkouts-work"),
) -> None:
    """Run the same trainings in two checkouts: are losses, preprocessed arrays and masks the same, bit for bit?"""
    from experiments.checkouts import compare_checkouts

    columns = ("trial", "losses", "arrays", "masks")
    for row in compare_checkouts(before.resolve(), after.resolve(), work.resolve()):
        show_table("The same in both", columns, [row])


@app.command()
def photograph(
    page: Annotated[Path, typer.Argument(help="A page of `autoseg report`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture.")] = Path("report.png"),
    width: Annotated[int, typer.Option(help="Of the window, in pixels.")] = 1240,
    height: Annotated[int, typer.Option(help="The same.")] = 1640,
    at: Annotated[str, typer.Option(help="What is at the top, as a selector: #scores.")] = "",
    pressed: Annotated[str, typer.Option(help="What is pressed before, as a selector: .open.")] = "",
) -> None:
    """Photograph a page in headless Chromium."""
    from experiments.browser import photograph as take

    take(page, out, (width, height), at, pressed)
    console.print(f"Picture: {out}", soft_wrap=True)


def main() -> None:
    """Run an experiment; what a person can fix is one message and exit code 2."""
    share_cores_with_others()
    # Ended from outside, an experiment ends the processes that it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except AutosegError as error:
        errors.print(f"experiments: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
