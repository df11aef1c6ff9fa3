"""Commands that make their own scans: a simulated data set, and the demonstration on one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.files.places import resolve, shorten_path
from dataset_fingerprints.names import counted


def simulate(
    out: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    layout: Annotated[
        Literal["nnunet", "bids", "numbered"],
        typer.Option(
            help="nnunet: imagesTr, labelsTr, dataset.json. bids: a tree as ATLAS R2.0. numbered: Image/0.nii.gz, "
            "Label/0.nii.gz."
        ),
    ] = "nnunet",
    cases: Annotated[int | None, typer.Option(help="Training cases.  [default: 20; numbered: 40]")] = None,
    held_out: Annotated[int, typer.Option(help="Further cases, apart, with their masks.")] = 5,
    spacing_mm: Annotated[float, typer.Option(help="Edge of cubic voxels in mm; others are in proportion.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    min_lesion_ml: Annotated[float, typer.Option(help="Smallest total lesion volume of a case.")] = 0.01,
    max_lesion_ml: Annotated[float, typer.Option(help="Largest total lesion volume of a case.")] = 390.0,
    sites: Annotated[int, typer.Option(help="Sites that the scans come from, 1 to 10.")] = 10,
    cubic: Annotated[bool, typer.Option("--cubic", help="One voxel size for all; else each site has its own.")] = False,
    anisotropic_share: Annotated[
        float | None, typer.Option(help="This share of the scans has slices 1.5 times as thick, the others are cubic.")
    ] = None,
    shape: Annotated[str | None, typer.Option(help="Pad or crop every scan to X,Y,Z voxels (R, A, S).")] = None,
    head: Annotated[bool, typer.Option("--head", help="With scalp, skull and air, not skull-stripped.")] = False,
    flair: Annotated[bool, typer.Option("--flair", help="With a second channel.")] = False,
    lesion_masks: Annotated[
        Path | None, typer.Option(help="A folder of lesion masks in MNI space to take the shapes from.")
    ] = None,
    lesion_value: Annotated[int, typer.Option(help="The integer that means lesion in the label maps.")] = 1,
    oddities: Annotated[
        bool, typer.Option("--oddities", help="Add a case with each defect that can be found.")
    ] = False,
) -> None:
    """Write a simulated data set: T1w-like brains with chronic stroke lesions.

    Whatever is made of it, figures and models, carries the mark that the scans are simulated.
    """
    from autoseg.pipeline.outputs import refuse_simulation_place
    from autoseg.simulate import (
        SimulationOptions,
        choose_voxels,
        count_cases,
        held_out_folders,
        oddity_kinds,
        parse_shape,
        simulate_dataset,
    )

    options = SimulationOptions(
        cases=(40 if layout == "numbered" else 20) if cases is None else cases,
        held_out_cases=held_out,
        spacing_mm=spacing_mm,
        seed=seed,
        min_lesion_ml=min_lesion_ml,
        max_lesion_ml=max_lesion_ml,
        voxels=choose_voxels(cubic, anisotropic_share),
        anisotropic_share=SimulationOptions().anisotropic_share if anisotropic_share is None else anisotropic_share,
        shape=parse_shape(shape),
        head=head,
        flair=flair,
        lesion_masks=str(resolve(lesion_masks)) if lesion_masks else "",
        lesion_value=lesion_value,
        oddities=oddity_kinds(flair=flair) if oddities else (),
        layout=layout,
        sites=sites,
    )
    refuse_simulation_place(out)
    with TerminalProgress().task("Simulating scans", count_cases(options)) as task:
        dataset = simulate_dataset(out, options, lambda _: task.advance())
    console.print(f"{counted(len(dataset.cases), 'case')} in {dataset.folder}.", soft_wrap=True)
    if held_out:
        scans, references = held_out_folders(dataset.folder, options)
        console.print(
            f"{counted(held_out, 'case')} held out: scans in {shorten_path(scans)}, masks in "
            f"{shorten_path(references)}.",
            soft_wrap=True,
        )
    for defect in dataset.defects:
        console.print(f"{defect.kind}: {', '.join(defect.cases)}. {defect.what}", soft_wrap=True)
    command = shlex.join(("autoseg", "plan_and_preprocess", shorten_path(dataset.folder)))
    console.print(f"Next: `{command}`.", soft_wrap=True)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for all results.")] = Path("autoseg-demo"),
    max_minutes: Annotated[float, typer.Option(help="Time for training and validation.")] = 5.0,
) -> None:
    """Do the whole main job on simulated scans in a few minutes, on any machine."""
    from autoseg.pipeline.demo import SIMULATION, THRESHOLD_SIGMAS, run_demo

    console.print(
        f"Simulated brains of {SIMULATION.spacing_mm:g} mm with lesions of at least {SIMULATION.min_lesion_ml:g} ml: "
        "coarser and larger than real data, so that minutes on a CPU show something.",
    )
    result = run_demo(out, max_minutes, TerminalProgress())
    rows = [(name, *(f"{value:.2f}" for value in values)) for name, values in result.rows()]
    thresholds = [f"{sigmas:g}-sigma threshold" for sigmas in THRESHOLD_SIGMAS]
    show_table(
        "Dice on simulated scans that nothing was trained on", ("scan", "ml", "CNR", *thresholds, "autoseg"), rows
    )
    means = zip(thresholds, result.mean_threshold_dice(), strict=True)
    contrasts = [case.contrast_to_noise for case in result.cases]
    console.print(
        f"Mean Dice: {', '.join(f'{name} {mean:.3f}' for name, mean in means)}, "
        f"autoseg {result.held_out.foreground_mean_dice:.3f}. "
        f"Contrast to noise {min(contrasts):.1f} to {max(contrasts):.1f}.",
    )
    masks = result.folder / "masks"
    console.print(f"Masks: {masks}; figures: {result.metrics}; picture: {result.picture}", soft_wrap=True)
    console.print(f"All of it on one page for a browser: {result.page}.", soft_wrap=True)
