"""Columns of a CSV of paths: which hold images, label maps, patients and places, by the names that people give them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import identify_place
from dataset_fingerprints.layouts.column_names import (
    ADVICE,
    FILES,
    ROLES,
    find_modality,
    is_explicit,
    known_cell,
    read_channel,
    read_role,
)
from dataset_fingerprints.layouts.modalities import canonical, is_anatomy_name, is_label_name
from dataset_fingerprints.layouts.selection import AUTOMATIC, Selection
from dataset_fingerprints.layouts.table_text import Table
from dataset_fingerprints.names import plain_name, some_of
from dataset_fingerprints.reading.images import is_image

# Names of other columns that are so like a known one are mistakes in typing.
_ALIKE = 0.8
# So many cells of a column are looked at.
_LOOKED_AT = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Columns by what they hold.

    Attributes:
        images: those with images, in the order of the channels.
        channels: the names of the channels; empty for a lone `image` column, whose files may hold several.
        roles: meaning -> column: `label`, `case`, `subject`, ...; without those that are not there.
        others: those that are only kept.
        left_out: those with paths of files that are not asked for.
    """

    images: tuple[str, ...]
    channels: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_columns(path: Path, table: Table, needs: Sequence[str], selection: Selection = AUTOMATIC) -> Columns:
    """Find out what the columns of a table hold.

    Args:
        path: of the table; paths in it are relative to its folder.
        table: that was read.
        needs: `image` and `label`, as far as they are asked for.
        selection: the columns that a person chose.

    Raises:
        DataError: one that is needed is missing, two hold the same, or one holds files that nothing says what they are.
    """
    if any(is_image(Path(column)) for column in table.columns):
        raise DataError(f"{path}: the first line holds paths. Expected the names of the columns in it. {ADVICE}.")
    held = {column: _Held(path.parent, [line.cells[column] for line in table.lines]) for column in table.columns}
    return _Reading(path=path, columns=table.columns, held=held, needs=needs, selection=selection).read()


class _Held:
    """What the cells of a column look like, looked at once when it is asked for."""

    def __init__(self, folder: Path, cells: Iterable[str]) -> None:
        named = [cell for cell in cells if known_cell(cell)]
        filled = [cell.replace("\\", "/") for cell in named[:_LOOKED_AT]]
        self.first = "".join(filled[:1])
        self.are_different = len(set(named)) == len(named)
        self.are_files = bool(filled) and all(is_image(Path(cell)) for cell in filled)
        if filled and not self.are_files:
            # Folders of DICOM series have no suffix.
            self.are_files = all("/" in cell and identify_place(folder / cell) for cell in filled)
        self.are_labels = self.are_files and all(is_label_name(Path(cell).name) for cell in filled)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """One reading of a table's columns.

    Attributes:
        held: by column, what is in its cells.
        roles: meaning -> the columns that are called so.
        channels: column -> the channel that it is called after.
        riddles: columns with paths of files whose names say nothing.
        others: columns without paths of files.
    """

    path: Path
    columns: Sequence[str]
    held: Mapping[str, _Held]
    needs: Sequence[str]
    selection: Selection
    roles: dict[str, list[str]] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    riddles: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def read(self) -> Columns:
        """Return what the columns hold; see `read_columns`."""
        self._sort()
        self._refuse_mistyped()
        label = self._choose_label()
        images, names = self._choose_images(label)
        self._refuse_lack(images, label)
        self._refuse_shared()
        roles = {role: columns[0] for role, columns in self.roles.items() if role not in FILES}
        used = {*images, *roles.values(), label, *self.others}
        return Columns(
            images=images,
            channels=names,
            roles=roles if label is None else {**roles, "label": label},
            others=tuple(self.others),
            left_out=tuple(column for column in self.columns if column not in used),
        )

    def _sort(self) -> None:
        """Sort the columns by their names."""
        for column in self.columns:
            held = self.held[column]
            role, channel = read_role(column, different=held.are_different), read_channel(column)
            if role is not None and (role not in FILES or held.are_files or column.casefold() == role):
                self.roles.setdefault(role, []).append(column)
            elif channel is not None and (held.are_files or is_explicit(column) or channel.isdigit()):
                self.channels[column] = channel
            else:
                (self.riddles if held.are_files else self.others).append(column)

    def _choose_label(self) -> str | None:
        """Return the column of the label maps: the chosen one, else that which is called so, else that which may be."""
        if self.selection.mask:
            return self._find_chosen_label()
        named = self.roles.get("label", [])
        if len(named) > 1 and "label" in self.needs:
            self._refuse(f"the columns {_quote(named, ' and ')} both hold the label map.", labels=named)
        if named:
            return named[0]
        likely = [column for column in self.riddles if is_label_name(column) and not is_anatomy_name(column)]
        likely = likely or [
            column
            for column in self.riddles
            if self.held[column].are_labels and not is_anatomy_name(self.held[column].first)
        ]
        if len(likely) > 1 and "label" in self.needs:
            self._refuse(f"the columns {_quote(likely, ' and ')} may all hold the label maps.", labels=likely)
        return likely[0] if likely else None

    def _find_chosen_label(self) -> str:
        wanted = plain_name(self.selection.mask)
        files = [column for column in self.columns if self.held[column].are_files]
        exact = [column for column in files if plain_name(column) == wanted]
        fitting = exact or [column for column in files if wanted and wanted in plain_name(column)]
        if len(fitting) != 1:
            found = "several columns" if fitting else "no column"
            raise DataError(
                f"{self.path}: {found} with paths of files can be meant by '{self.selection.mask}' (--mask). Columns "
                f"with paths of files: {', '.join(fitting or files) or 'none'}."
            )
        self.channels.pop(fitting[0], None)
        return fitting[0]

    def _choose_images(self, label: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the columns of the images in the order of the channels, and the channels' names."""
        rest = [column for column in self.riddles if column != label and not self._is_mask(column)]
        lone = self.roles.get("image", [])
        if self.selection.channels:
            return self._find_chosen_images([*lone, *rest], label)
        if len(lone) > 1 and "image" in self.needs:
            self._refuse(f"the columns {_quote(lone, ' and ')} both hold the image.", images=lone)
        likely = {column: word for column in rest if (word := find_modality(column)) is not None}
        unclear = [column for column in rest if column not in likely]
        channels = {**self.channels, **likely}
        if not lone and not channels and len(unclear) == 1:
            return (unclear[0],), ()
        if unclear and "image" in self.needs:
            self._refuse(f"nothing says what is in the files of {_quote(unclear, ' and ')}.", images=unclear)
        if likely and len({canonical(name) for name in channels.values()}) < len(channels):
            self._refuse(f"two columns are of one channel: {', '.join(channels)}.", images=list(channels))
        return self._order(lone[0] if lone else None, channels)

    def _is_mask(self, column: str) -> bool:
        """Return whether a column of unclear meaning holds label maps, or masks of brains, and so is not a channel."""
        return is_label_name(column) or self.held[column].are_labels

    def _find_chosen_images(self, more: Sequence[str], label: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the columns of the channels that a person chose, in the order of the choice."""
        known = {canonical(column): (column, column) for column in more}
        known |= {canonical(column): (column, name) for column, name in self.channels.items()}
        known |= {canonical(name): (column, name) for column, name in self.channels.items()}
        unknown = [name for name in self.selection.channels if canonical(name) not in known]
        if unknown:
            found = ", ".join([*self.channels.values(), *(column for column in more if column != label)])
            raise DataError(f"{self.path}: has no channel '{unknown[0]}' (--channel). Its channels: {found or 'none'}.")
        chosen = [known[canonical(name)] for name in self.selection.channels]
        if len({column for column, _ in chosen}) < len(chosen):
            raise DataError(f"{self.path}: --channel names a column twice. Name each once, in the channels' order.")
        if len(chosen) == 1 and chosen[0][0] in self.roles.get("image", []):
            return (chosen[0][0],), ()
        return tuple(column for column, _ in chosen), tuple(name for _, name in chosen)

    def _order(self, lone: str | None, channels: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if not channels:
            return ((), ()) if lone is None else ((lone,), ())
        numbers = {column: int(name) for column, name in channels.items() if re.fullmatch(r"\d{1,4}", name)}
        ordered = sorted(numbers, key=lambda column: numbers[column])
        start = numbers[ordered[0]] if ordered else 0
        gap = [numbers[column] for column in ordered] != list(range(start, start + len(ordered)))
        if lone is not None or (numbers and (len(numbers) < len(channels) or gap or start > 1)):
            shown = ", ".join(([lone] if lone is not None else []) + list(channels))
            raise DataError(
                f"{self.path}: has the image columns {shown}. Expected one of: 'image' alone; 'image_0', 'image_1', "
                "... without a gap; 'image:NAME' for every channel. Rename them, or choose those that are meant with "
                "--channel."
            )
        names = _shorten(channels)
        if len({name.casefold() for name in names}) < len(names):
            raise DataError(f"{self.path}: two columns are of one channel: {', '.join(channels)}. Keep one of them.")
        if numbers:
            return tuple(ordered), tuple(str(index) for index in range(len(ordered)))
        return tuple(channels), names

    def _refuse_mistyped(self) -> None:
        """Refuse columns whose names are almost those of a meaning that no column has."""
        missing = [role for role in ROLES if role not in self.roles]
        for column in (*self.others, *self.riddles):
            nearest = difflib.get_close_matches(plain_name(column), missing, n=1, cutoff=_ALIKE)
            if nearest:
                raise DataError(
                    f"{self.path}: has an unknown column '{column}'. Did you mean '{nearest[0]}'? {ADVICE}."
                )

    def _refuse_lack(self, images: Sequence[str], label: str | None) -> None:
        there = {"image": bool(images), "label": label is not None}
        if not all(there[what] for what in self.needs):
            wanted = " and ".join(f"'{name}'" for name in reversed(self.needs))
            self._refuse(f"has the columns {some_of(self.columns, 20)}. Expected {wanted}: add it.")

    def _refuse_shared(self) -> None:
        for role, columns in self.roles.items():
            if len(columns) > 1 and role not in FILES:
                raise DataError(
                    f"{self.path}: the columns {_quote(columns, ' and ')} both hold the {role}. Keep one of them, or "
                    f"rename the other. {ADVICE}."
                )

    def _refuse(self, problem: str, *, images: Sequence[str] = (), labels: Sequence[str] = ()) -> NoReturn:
        """Refuse the table with what each column was taken for, and what to type or to rename."""
        raise DataError(f"{self.path}: {problem} {self._describe_files()}{self._advise(images, labels)} {ADVICE}.")

    def _describe_files(self) -> str:
        """Return what the columns with paths of files were taken for."""
        taken = dict.fromkeys(self.roles.get("label", []), "the label map")
        taken |= dict.fromkeys(self.roles.get("image", []), "the image")
        taken |= {column: f"channel {channel}" for column, channel in self.channels.items()}
        files = [column for column in self.columns if self.held[column].are_files]
        if not files:
            return "No column holds paths of images. "
        shown = [f"'{column}' ({taken.get(column, 'unclear')}: {self.held[column].first})" for column in files]
        return f"Columns with paths of files: {some_of(shown, 10, '; ')}. "

    def _advise(self, images: Sequence[str], labels: Sequence[str]) -> str:
        """Return how to rename columns, or what to type instead."""
        if labels:
            return f"Call the one that is meant 'label', or choose it: --mask '{labels[0]}'."
        if not images:
            return "Name the columns in the first line accordingly."
        masks = [column for column in images if self.held[column].are_labels]
        scans = [column for column in images if column not in masks] or list(images)
        options = " ".join(f"--channel '{column}'" for column in (*self.channels, *scans))
        return (
            f"Call it 'image:{scans[0]}' if they are a channel, or 'label' if they are the label maps; else take "
            f"it out. Or choose the scans, for example: {options}."
        )


def _shorten(channels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of channels, each the one kind of image in it where all stay different: T1w of `path_T1w`."""
    short = [name if is_explicit(column) else find_modality(name) or name for column, name in channels.items()]
    return tuple(short if len(set(map(canonical, short))) == len(short) else channels.values())


def _quote(columns: Sequence[str], between: str = ", ") -> str:
    return some_of([f"'{column}'" for column in columns], 5, between)
