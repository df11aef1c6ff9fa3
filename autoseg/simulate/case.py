"""One simulated case, a pure function of the seed, the case's number and the options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.simulate.anatomy import Anatomy, FieldOfView, apply_anatomy, sample_anatomy
from autoseg.simulate.appearance import Subject, apply_appearance, sample_appearance
from autoseg.simulate.atrophy import apply_atrophy, sample_atrophy
from autoseg.simulate.distractors import apply_distractors, sample_distractors
from autoseg.simulate.drawing import sample_drawing
from autoseg.simulate.fields import FloatArray, MaskArray
from autoseg.simulate.head import apply_head, sample_head
from autoseg.simulate.lesion_statistics import Location, sample_voxels
from autoseg.simulate.lesions import Lesions, apply_lesion_plans, apply_mask, sample_lesion_plans
from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.real_masks import apply_real_mask, sample_real_mask
from autoseg.simulate.records import SimulatedCase
from autoseg.simulate.regions import locate, ventricle_distance_mm
from autoseg.simulate.sites import Site, choose_site, sample_orientation
from autoseg.simulate.template import load_template

# Independent random streams of one seed; sites have one, too.
TRAINING, HELD_OUT, ODD = 0, 1, 3
_SESSION_STREAM = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRequest:
    """Identity of a case to simulate.

    Attributes:
        number: from 1 on, in its stream.
        stream: TRAINING, HELD_OUT or ODD.
        name: of its files.
        subject: "" for the name.
        session: "" for a subject with one session; sessions of one number differ in the scan, not in the brain.
    """

    number: int
    stream: int
    name: str
    subject: str = ""
    session: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedScan:
    """One case's volumes on a RAS+ grid, and what is known of it.

    Attributes:
        channels: (channel, x, y, z) intensities; 0 outside of a skull-stripped brain.
        label: True where a person drew a lesion.
        lesion: True where there is one.
        distractors: unlabelled hypointense white matter.
        affine: voxel to RAS+ mm.
    """

    channels: FloatArray
    label: MaskArray
    lesion: MaskArray
    brain: MaskArray
    distractors: MaskArray
    affine: NDArray[np.float64]
    record: SimulatedCase


@dataclass(frozen=True, kw_only=True, slots=True)
class _Streams:
    """Random generators, one for each step, so that an option changes only what it is about."""

    site: np.random.Generator
    anatomy: np.random.Generator
    lesions: np.random.Generator
    inside: np.random.Generator
    drawing: np.random.Generator
    surroundings: np.random.Generator
    head: np.random.Generator
    appearance: np.random.Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class _Person:
    """A brain with its lesions before it is scanned; `mask` names the file that their shapes come from."""

    subject: Subject
    lesions: Lesions
    distractors: MaskArray
    location: Location
    mask: str


def request_case(number: int, *, held_out: bool = False) -> CaseRequest:
    """Return the request for a plain training or held-out case."""
    name = f"sim_test_{number:04d}" if held_out else f"sim_{number:04d}"
    return CaseRequest(number=number, stream=HELD_OUT if held_out else TRAINING, name=name)


def simulate_scan(request: CaseRequest, options: SimulationOptions) -> SimulatedScan:
    """Make one case; it does not depend on how many cases there are."""
    streams = _open_streams(request, options.seed)
    site = choose_site(streams.site, request.number, options)
    person = _make_person(streams, _field_of_view(site, options), options)
    appearance = sample_appearance(streams.appearance)
    channels = [apply_appearance(appearance, site, index, person.subject) for index in range(len(options.channels()))]
    anatomy, lesions = person.subject.anatomy, person.lesions
    record = SimulatedCase(
        name=request.name,
        volume_ml=round(float(lesions.drawn.sum()) * anatomy.voxel_ml(), 6),
        contrast_to_noise=round(_contrast_to_noise(channels[0], lesions.drawn, anatomy), 4),
        location=person.location,
        lesions=lesions.count,
        oracle_dice=round(_dice(lesions.true, lesions.drawn), 4),
        site=site.name,
        orientation=sample_orientation(streams.site, site),
        spacing_mm=anatomy.spacing_mm,
        subject=request.subject or request.name,
        session=request.session,
        mask=person.mask,
        held_out=request.stream == HELD_OUT,
    )
    return SimulatedScan(
        channels=np.stack(channels),
        label=lesions.drawn,
        lesion=lesions.true,
        brain=anatomy.brain,
        distractors=person.distractors,
        affine=_affine(anatomy),
        record=record,
    )


def _field_of_view(site: Site, options: SimulationOptions) -> FieldOfView:
    x, y, z = (options.spacing_mm * factor for factor in site.voxel)
    shape = (options.shape[0], options.shape[1], options.shape[2]) if options.shape else None
    return FieldOfView(spacing_mm=(x, y, z), shape=shape, head=options.head)


def _make_person(streams: _Streams, view: FieldOfView, options: SimulationOptions) -> _Person:
    intact = apply_anatomy(sample_anatomy(streams.anatomy), load_template(view.spacing_mm), view)
    lesions, location, mask = _make_lesions(streams, intact, options)
    ventricle_mm = ventricle_distance_mm(intact)
    atrophy = sample_atrophy(streams.surroundings, float(lesions.drawn.sum()) * intact.voxel_ml())
    anatomy = apply_atrophy(atrophy, intact, lesions.true, lesions.main_ball(), ventricle_mm)
    spared = lesions.true | lesions.drawn
    changes = apply_distractors(sample_distractors(streams.surroundings), anatomy, spared, ventricle_mm)
    loss = np.asarray(1.0 - (1.0 - lesions.loss) * (1.0 - changes), np.float32)
    head = apply_head(sample_head(streams.head), anatomy) if options.head else None
    return _Person(
        subject=Subject(anatomy=anatomy, loss=loss, head=head),
        lesions=lesions,
        distractors=changes > 0,
        location=location,
        mask=mask,
    )


def _open_streams(request: CaseRequest, seed: int) -> _Streams:
    children = np.random.SeedSequence([seed, request.stream, request.number]).spawn(8)
    *generators, appearance = (np.random.default_rng(child) for child in children)
    if request.session:
        visit = int.from_bytes(request.session.encode("utf-8"), "big")
        appearance = np.random.default_rng([seed, _SESSION_STREAM, request.number, visit])
    site, anatomy, lesions, inside, drawing, surroundings, head = generators
    return _Streams(
        site=site,
        anatomy=anatomy,
        lesions=lesions,
        inside=inside,
        drawing=drawing,
        surroundings=surroundings,
        head=head,
        appearance=appearance,
    )


def _make_lesions(streams: _Streams, anatomy: Anatomy, options: SimulationOptions) -> tuple[Lesions, Location, str]:
    """Return the lesions, where the main one lies, and the name of the file that their shapes come from."""
    drawing = sample_drawing(streams.drawing)
    if options.lesion_masks:
        folder = Path(options.lesion_masks)
        plan = sample_real_mask(streams.lesions, folder, options.min_lesion_ml, options.max_lesion_ml)
        mask = apply_real_mask(plan, folder, anatomy)
        return apply_mask(mask, streams.inside, drawing, anatomy), locate(mask, anatomy), plan.file
    voxels = sample_voxels(streams.lesions, options.min_lesion_ml, options.max_lesion_ml, anatomy.voxel_ml())
    plans = sample_lesion_plans(streams.lesions, voxels, anatomy.voxel_ml())
    return apply_lesion_plans(plans, drawing, anatomy), plans[0].shape.draw.location, ""


def _affine(anatomy: Anatomy) -> NDArray[np.float64]:
    affine = np.diag([*anatomy.spacing_mm, 1.0])
    affine[:3, 3] = anatomy.origin_mm
    return affine


def _dice(first: MaskArray, second: MaskArray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def _contrast_to_noise(image: FloatArray, lesion: MaskArray, anatomy: Anatomy) -> float:
    (box,) = ndimage.find_objects(lesion.astype(np.int8))
    window = tuple(slice(max(axis.start - 4, 0), axis.stop + 4) for axis in box)
    inside = lesion[window]
    near = ndimage.binary_dilation(inside, iterations=1)
    shell = ndimage.binary_dilation(near, iterations=2) & ~near
    shell &= anatomy.brain[window] & (anatomy.csf[window] < 0.5)
    around = image[window][shell]
    if around.size < 2 or around.std() == 0:
        return 0.0
    return float((around.mean() - image[window][inside].mean()) / around.std())
