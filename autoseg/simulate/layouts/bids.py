"""A BIDS tree as ATLAS R2.0 is one: Training/R001/sub-r001s001/ses-1/anat/..., with participants.tsv at its root."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from zlib import crc32

import numpy as np

from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import SimulatedCase

# Names of ATLAS R2.0; the simulated scans lie in no template's space.
_SPACE = "space-MNI152NLin2009aSym"
_MASK = "label-L_desc-T1lesion_mask"
_SESSION = "ses-1"
_TRAINING, _HELD_OUT = "Training", "Testing"
# BIDS tools look into no such folder, so that the masks of held-out scans are no part of the data set.
_APART = "sourcedata"

# Independent random stream of one seed; cases and sites use others.
_PEOPLE_STREAM = 7
# ATLAS R2.1: days between stroke and scan have a median of 470 and quartiles of 97 and 1247.
_LOG_DAYS_MEAN, _LOG_DAYS_SD = float(np.log(470.0)), float(np.log(1247 / 97) / 1.349)
_CHRONIC_DAYS, _MOST_DAYS = 180, 10_000
_COLUMNS = {
    "participant_id": "subject",
    "site": "cohort, as in the name of its folder",
    "age": "years",
    "sex": "F or M",
    "days_post_stroke": "days between stroke and scan",
    "chronicity": f"1 from {_CHRONIC_DAYS} days after the stroke on, else 0",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Person:
    """Traits of a simulated person."""

    age: int
    sex: str
    days_post_stroke: int


class BidsLayout:
    """Cohorts of subjects, each with one session; held-out scans lie in Testing, and their masks apart."""

    def rename(self, case: SimulatedCase, number: int, options: SimulationOptions) -> SimulatedCase:
        """Return a case with the subject's name as ATLAS makes it: of cohort and number."""
        count = number + (options.cases if case.held_out else 0)
        subject = f"sub-{_cohort(case).lower()}s{count:03d}"
        return replace(case, name=f"{subject}_{_SESSION}", subject=subject, session=_SESSION)

    def image(self, case: SimulatedCase, channel: int, options: SimulationOptions) -> PurePosixPath:
        """Return where a channel of a case lies."""
        top = _HELD_OUT if case.held_out else _TRAINING
        return _folder(top, case) / f"{case.name}_{_SPACE}_{options.channels()[channel]}.nii.gz"

    def label(self, case: SimulatedCase) -> PurePosixPath:
        """Return where a case's reference mask lies."""
        top = f"{_APART}/{_HELD_OUT}" if case.held_out else _TRAINING
        return _folder(top, case) / f"{case.name}_{_SPACE}_{_MASK}.nii.gz"

    def held_out(self) -> tuple[str, str]:
        """Return the folders of the held-out scans and of their masks."""
        return _HELD_OUT, f"{_APART}/{_HELD_OUT}"

    def describe(self, cases: Sequence[SimulatedCase], options: SimulationOptions) -> Mapping[str, Any]:
        """Return the descriptions of the data set and of its cohorts, and what is known of each person."""
        description = {
            "Name": "Simulated brains with chronic stroke lesions. No scan of a person.",
            "BIDSVersion": "1.8.0",
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "autoseg simulate"}],
            "simulated": True,
        }
        tops = {PurePosixPath(_HELD_OUT if case.held_out else _TRAINING, _cohort(case)) for case in cases}
        return {
            "dataset_description.json": description,
            **{f"{top}/dataset_description.json": description for top in sorted(tops)},
            "participants.tsv": _list_people(cases, options),
            "participants.json": {name: {"Description": text} for name, text in _COLUMNS.items()},
            ".bidsignore": "simulation.json\ncases.csv\n**/dataset_description.json\n",
        }


def _cohort(case: SimulatedCase) -> str:
    """Return the folder of a case's site: R001 for site_01."""
    found = re.search(r"\d+$", case.site)
    return f"R{int(found.group()) if found else 0:03d}"


def _folder(top: str, case: SimulatedCase) -> PurePosixPath:
    return PurePosixPath(top, _cohort(case), case.subject, _SESSION, "anat")


def _list_people(cases: Sequence[SimulatedCase], options: SimulationOptions) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    for case in cases:
        person = _sample_person(case, options)
        chronic = int(person.days_post_stroke >= _CHRONIC_DAYS)
        writer.writerow((case.subject, _cohort(case), person.age, person.sex, person.days_post_stroke, chronic))
    return stream.getvalue()


def _sample_person(case: SimulatedCase, options: SimulationOptions) -> _Person:
    """Draw a person's traits; they depend on the seed and the subject's name only."""
    rng = np.random.default_rng([options.seed, _PEOPLE_STREAM, crc32(case.subject.encode())])
    days = float(np.exp(rng.normal(_LOG_DAYS_MEAN, _LOG_DAYS_SD)))
    return _Person(
        age=int(np.clip(rng.normal(62.0, 12.0), 18.0, 95.0)),
        sex="F" if rng.uniform() < 0.4 else "M",
        days_post_stroke=round(min(max(days, 1.0), _MOST_DAYS)),
    )
