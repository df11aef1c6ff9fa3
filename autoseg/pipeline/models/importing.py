"""`import-nnunet`: a model that nnU-Net v2 trained as one file of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.models import Cover, write_bundle
from autoseg.models.nnunet import FINAL, read_nnunet
from autoseg.pipeline.models.model_card import UNSAID, Words, write_card
from autoseg.pipeline.outputs import refuse_bundle_place
from autoseg.progress import Progress

UNKNOWN_CASES = (
    "The cases that it was trained on are not known: a score on any case may be one of a case that it has seen."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """Options of importing; all have a default.

    Attributes:
        configuration: of a folder with several; empty where there is one.
        folds: names of those to average; empty for all.
        checkpoint: the name of the file of a fold's weights.
        words: for the card.
    """

    configuration: str = ""
    folds: tuple[str, ...] = ()
    checkpoint: str = FINAL
    words: Words = UNSAID


def import_nnunet(folder: Path, out: Path, options: ImportOptions, progress: Progress) -> Path:
    """Write a model of nnU-Net into a bundle, and return its path.

    Raises:
        DataError: something in the folder is missing, damaged, not supported, or made to do harm; or something else
            lies at `out`.
    """
    refuse_bundle_place(out)
    read = read_nnunet(folder, options.configuration, options.folds, options.checkpoint)
    run = read.models.run()
    for remark in (*read.remarks, UNKNOWN_CASES):
        progress.say(remark)
    name = options.words.name or run.dataset
    card = write_card(options.words, read.models, (), {})
    write_bundle(out, read.models, Cover(name=name, licence=options.words.licence, card=card), {})
    return out
