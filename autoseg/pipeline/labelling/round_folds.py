"""Folds that stay from round to round: a case that a fold is judged on was never trained on by its model before."""

from __future__ import annotations

import csv
import io

from autoseg.labelling.state import Loop
from autoseg.pipeline.plans.reading import read_plan
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.units import find_units

_PLAN = "default"


def write_folds(folder: LoopFolder, loop: Loop, number: int) -> bool:
    """Write the folds of a round's cases: as in the round before, new cases to the smallest folds, by subject.

    Returns:
        Whether there are any: in the first round, and where cases are too few to be divided, there are none.
    """
    if number < 2:
        return False
    _, before = read_plan(folder.round(number - 1).workspace, _PLAN)
    if len(before.folds) < 2:
        return False
    dealt = {name: place for place, fold in enumerate(before.folds) for name in fold.validation}
    cases = [loop.case(name) for name in loop.rounds[number - 1].cases]
    units = find_units(cases)
    by_unit = {units[name]: place for name, place in dealt.items() if name in units}
    sizes = [len(fold.validation) for fold in before.folds]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("Name", "Fold"))
    for case in cases:
        place = by_unit.setdefault(units[case.name], min(range(len(sizes)), key=lambda one: sizes[one]))
        sizes[place] += case.name not in dealt
        writer.writerow((case.name, place))
    write_bytes(folder.round(number).folds, text.getvalue().encode())
    return True
