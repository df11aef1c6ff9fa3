"""The part of the page about the data: what the cases are like, and what was found in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from autoseg.pipeline.page.gathering import Gathered
from autoseg.pipeline.scores.showing import show_ml
from autoseg.reporting.page import Chart, Charts, Section, Table
from autoseg.reporting.page.dataset_charts import draw_intensities, draw_sites, draw_spacings, draw_volumes
from dataset_fingerprints.checking.overview import describe_cases
from dataset_fingerprints.fingerprint import DatasetFingerprint, PartSummary, Quantiles
from dataset_fingerprints.geometry import show_spacing
from dataset_fingerprints.names import counted

MM3_PER_ML = 1000.0
# Channels whose intensities are drawn, rows of sites and tasks, and findings that are listed.
_CHANNELS, _PARTS, _FINDINGS = 4, 40, 200
# Values that a case's sketch of intensities is drawn with.
_GRADES = ("error", "warning", "fixed")


def describe_dataset(found: Gathered) -> Section:
    """Return what the cases are like."""
    fingerprint = found.fingerprint
    overview = Table(title="Overview", columns=("what", "found"), rows=describe_cases(found.dataset, fingerprint.cases))
    blocks: list[Table | Charts] = [overview, Charts(charts=tuple(_draw(found)))]
    blocks += [_list_parts("site", fingerprint.sites)] if fingerprint.sites else []
    blocks += [_list_parts("task", fingerprint.tasks)] if fingerprint.tasks else []
    if found.report is not None and found.report.findings:
        blocks.append(_list_findings(found))
    lead = (
        f"{counted(len(fingerprint.cases), 'case')} of {found.dataset.name}, as they were measured before anything was "
        "decided."
    )
    return Section(key="data", title="The data", lead=lead, blocks=blocks)


def find_volumes(fingerprint: DatasetFingerprint) -> Mapping[str, list[float]]:
    """Return the volume of every label in every case, in ml, by the label's name."""
    names = {label.value: label.name for label in fingerprint.scheme.labels}
    volumes: dict[str, list[float]] = {name: [] for name in names.values()}
    for case in fingerprint.cases:
        for label in case.labels:
            if label.value in names:
                volumes[names[label.value]].append(label.volume_mm3 / MM3_PER_ML)
    return volumes


def find_components(fingerprint: DatasetFingerprint) -> Mapping[str, list[float]]:
    """Return the volume of every listed component of every label, in ml, by the label's name."""
    names = {label.value: label.name for label in fingerprint.scheme.labels}
    volumes: dict[str, list[float]] = {name: [] for name in names.values()}
    for case in fingerprint.cases:
        for label in case.labels:
            if label.value in names:
                volumes[names[label.value]] += [lesion.volume_mm3 / MM3_PER_ML for lesion in label.lesions]
    return volumes


def _draw(found: Gathered) -> Iterator[Chart]:
    fingerprint, simulated = found.fingerprint, found.simulated
    volumes = find_volumes(fingerprint)
    without = sum(not any(label.volume_mm3 for label in case.labels) for case in fingerprint.cases)
    yield Chart(
        title="Volumes per case",
        svg=draw_volumes(volumes, "volume in a case, ml", simulated=simulated),
        alt=f"Histogram of volumes per case. {_say_volumes(volumes)}",
        note=f"Not drawn: {counted(without, 'case')} without any label." if without else "",
    )
    components = find_components(fingerprint)
    yield Chart(
        title="Volumes of single components",
        svg=draw_volumes(components, "volume of a component, ml", simulated=simulated),
        alt=f"Histogram of volumes of connected components. {_say_volumes(components)}",
    )
    spacings = [case.spacing_mm for case in fingerprint.cases]
    middle = show_spacing(np.median(spacings, axis=0).tolist())
    yield Chart(
        title="Voxel sizes",
        svg=draw_spacings(spacings, simulated=simulated),
        alt=f"Edges of the voxels of every case along three axes; median {middle} mm.",
        note="A point per case; the line is the median.",
    )
    yield from _draw_channels(found)
    counts = Counter(case.site for case in fingerprint.cases if case.site)
    if counts:
        said = ", ".join(f"{site} {count}" for site, count in counts.most_common(10))
        yield Chart(
            title="Sites", svg=draw_sites(dict(counts.most_common()), simulated=simulated), alt=f"Cases: {said}."
        )


def _draw_channels(found: Gathered) -> Iterator[Chart]:
    for position, channel in enumerate(found.fingerprint.channels[:_CHANNELS]):
        own = [case.channels[position] for case in found.fingerprint.cases]
        body = [value for one in own for value in one.body_sketch]
        if body:
            foreground = [value for one in own for value in one.foreground_sketch]
            median, inside = channel.body.median, channel.foreground.median
            name = f"channel {channel.name}" if channel.name.isdigit() else channel.name
            svg = draw_intensities(body, foreground, name, simulated=found.simulated)
            alt = f"Intensities of {name}: median {_show(median)} in the body, {_show(inside)} in the labels."
            yield Chart(title=f"Intensities of {name}", svg=svg, alt=alt, note="All cases count the same.")


def _say_volumes(volumes: Mapping[str, list[float]]) -> str:
    said = []
    for name, values in volumes.items():
        present = [value for value in values if value > 0]
        if present:
            low, middle, high = (show_ml(float(value)) for value in np.percentile(present, [0, 50, 100]))
            said.append(f"{name}: {low} to {high}, median {middle}")
    return "; ".join(said) or "No label in any case"


def _list_parts(what: str, parts: tuple[PartSummary, ...]) -> Table:
    rows = [
        (
            part.name,
            str(part.cases),
            str(part.subjects),
            " × ".join(_show(axis.p50) for axis in part.spacing_mm),
            f"{100 * part.cases_without:.0f} %",
            _show_volume(part.volume_mm3),
        )
        for part in parts[:_PARTS]
    ]
    columns = (what, "cases", "subjects", "median voxel, mm", "without label", "median volume (quartiles), ml")
    note = f"The {_PARTS} largest of {len(parts)}." if len(parts) > _PARTS else ""
    return Table(title=f"{what.capitalize()}s", columns=columns, rows=rows, numeric=frozenset((1, 2, 4)), note=note)


def _show_volume(volume: Quantiles) -> str:
    if volume.p25 is None or volume.p50 is None or volume.p75 is None:
        return "-"
    low, middle, high = (f"{value / MM3_PER_ML:.3g}" for value in (volume.p25, volume.p50, volume.p75))
    return f"{middle} ({low} to {high})"


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _list_findings(found: Gathered) -> Table:
    assert found.report is not None
    findings = sorted(found.report.findings, key=lambda one: (_GRADES.index(one.grade), one.kind, one.case))
    rows = [(one.case, one.grade, one.kind, one.message) for one in findings[:_FINDINGS]]
    counts: Counter[str] = Counter(one.grade for one in findings)
    said = ", ".join(f"{counts[grade]} {grade}" for grade in _GRADES if counts[grade])
    note = f"The first {_FINDINGS} of {len(findings)}; check.json has all." if len(findings) > _FINDINGS else ""
    title = f"Findings of check ({said})"
    return Table(title=title, columns=("case", "grade", "kind", "what"), rows=rows, note=note, folded=True)
