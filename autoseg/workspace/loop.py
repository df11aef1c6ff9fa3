"""The folder of a labelling loop: rounds of people and networks, and the masks that were taken in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError

# Of what people edit; other programs and the documentation name them.
MINUTES, DESCRIPTION = "minutes.csv", "labels.txt"
SUFFIX = "-labelling"
_STATE = "loop.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundFolder:
    """Names of the files and folders of one round."""

    root: Path

    @property
    def dataset(self) -> Path:
        """Path of the table of the labelled cases that the round trains on."""
        return self.root / "labelled.csv"

    @property
    def unlabelled(self) -> Path:
        """Path of the table of the scans that nobody has labelled by then."""
        return self.root / "unlabelled.csv"

    @property
    def test(self) -> Path:
        """Path of the table of the held-out cases."""
        return self.root / "test.csv"

    @property
    def description(self) -> Path:
        """Path of the names of labels, where the reader of the tables looks for them."""
        return self.root / "dataset.json"

    @property
    def folds(self) -> Path:
        """Path of the table of the folds, in which a case stays where it was in the round before."""
        return self.root / "folds.csv"

    @property
    def workspace(self) -> Workspace:
        """The workspace that the round's model is trained in."""
        return Workspace(root=self.root / "workspace")

    @property
    def test_masks(self) -> Path:
        """The folder of the model's masks of the held-out cases."""
        return self.root / "test-masks"

    @property
    def scores(self) -> Path:
        """Path of the scores of the held-out cases, as `evaluate` writes them."""
        return self.root / "test-scores.json"

    @property
    def looked_at(self) -> Path:
        """Path of what was measured of the unlabelled scans, a line each."""
        return self.root / "looked-at.jsonl"

    @property
    def presegmented(self) -> Path:
        """The folder of the model's masks as it made them, which corrected ones are compared with."""
        return self.root / "presegmented"

    @property
    def to_correct(self) -> Path:
        """The folder of the same masks for people to edit."""
        return self.root / "to-correct"

    @property
    def labels(self) -> Path:
        """Path of the names and colours of labels that ITK-SNAP opens."""
        return self.to_correct / DESCRIPTION

    @property
    def minutes(self) -> Path:
        """Path of the table that people write their minutes into."""
        return self.to_correct / MINUTES

    @property
    def advice(self) -> Path:
        """Path of what people are to do, in words."""
        return self.to_correct / "README.txt"

    def presegmentation(self, case: str) -> Path:
        """Return the path of a mask as the model made it."""
        return self.presegmented / f"{case}.nii.gz"

    def editable(self, case: str) -> tuple[Path, Path]:
        """Return the paths of a mask to edit: for ITK-SNAP and others, and for 3D Slicer."""
        return self.to_correct / f"{case}.nii.gz", self.to_correct / f"{case}.seg.nrrd"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopFolder:
    """Names of the files and folders of a labelling loop."""

    root: Path

    @property
    def state(self) -> Path:
        """Path of everything that is known of the loop."""
        return self.root / _STATE

    @property
    def masks(self) -> Path:
        """The folder of the masks that were taken in."""
        return self.root / "masks"

    @property
    def table(self) -> tuple[Path, Path, Path]:
        """Paths of the table of the rounds: as text, as figures, and as a picture."""
        return self.root / "rounds.md", self.root / "rounds.csv", self.root / "rounds.png"

    def round(self, number: int) -> RoundFolder:
        """Return the folder of a round; the first is number 1."""
        return RoundFolder(root=self.root / "rounds" / str(number))

    def mask(self, case: str, version: int) -> Path:
        """Return the path of a mask that was taken in; a later version of a case never replaces an earlier one."""
        return self.masks / str(version) / f"{case}.nii.gz"

    def mask_folders(self) -> tuple[Path, ...]:
        """Return the folders of masks that are there."""
        return tuple(sorted(self.masks.glob("*/")))


def is_loop(path: Path) -> bool:
    """Return whether a folder is that of a labelling loop."""
    return LoopFolder(root=path).state.is_file()


def find_loop(given: Path | None) -> LoopFolder:
    """Return the loop that a command works on: the given one, this directory, or the only one in it.

    Raises:
        WorkspaceError: there is none, or there are several.
    """
    if given is not None:
        if not is_loop(given):
            raise WorkspaceError(
                f"{given}: is not a labelling loop. Run `autoseg label start DATASET --unlabelled SCANS -w {given}` "
                "first."
            )
        return LoopFolder(root=given.absolute())
    here = Path.cwd()
    found = [here] if is_loop(here) else [path for path in sorted(here.glob(f"*{SUFFIX}")) if is_loop(path)]
    if len(found) == 1:
        return LoopFolder(root=found[0])
    names = f"{len(found)} labelling loops ({', '.join(path.name for path in found)})" if found else "no labelling loop"
    cure = "Name one with -w." if found else "Run `autoseg label start DATASET --unlabelled SCANS` first."
    raise WorkspaceError(f"{here}: holds {names}. {cure}")
