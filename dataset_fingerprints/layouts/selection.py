"""A person's choice among files of which several could be meant: those of the channels, and the label maps."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The files that are chosen by parts of their names; what is left empty is found out.

    Attributes:
        channels: for each channel, in their order: `T1w`, `acq-highres_T1w`, or the column of a CSV.
        mask: of the label maps: `label-L`, `desc-lesion_mask`, `dseg`, or the name of a folder in `derivatives`.
    """

    channels: tuple[str, ...] = ()
    mask: str = ""


AUTOMATIC = Selection()


def refuse_selection(where: object, selection: Selection) -> None:
    """Make sure that nothing is chosen where nothing can be: the layout says which file is which.

    Raises:
        DataError: something is.
    """
    if selection != AUTOMATIC:
        option = "--channel" if selection.channels else "--mask"
        raise DataError(
            f"{where}: {option} chooses among the files of BIDS trees, of folders per patient and of CSVs, and this is "
            "none of them. Leave it out."
        )
