"""Data sets in every layout, for tests."""

from __future__ import annotations

import json

import numpy as np

from tests.synthetic.scans import head, write_csv, write_nifti, write_pairs

LABELS = {"background": 0, "dark": 1, "bright": 2}


def describe(root, **description):
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def write_listed(root):
    write_pairs(root / "scans", root / "masks", image_suffix="_t1", label_suffix="_by_hand")
    files = {
        name: {"images": [f"scans/{name}_t1.nii.gz"], "label": str(root / "masks" / f"{name}_by_hand.nii.gz")}
        for name in (f"sub-{index:03d}" for index in range(4))
    }
    return describe(root, channel_names={"0": "T1w"}, labels=LABELS, dataset=files)


def write_msd(root, volumes=0, cases=4, modality=("T1w",)):
    write_pairs(root / "imagesTr", root / "labelsTr", cases)
    names = [f"sub-{index:03d}.nii.gz" for index in range(cases)]
    for index, name in enumerate(names if volumes else ()):
        write_nifti(root / "imagesTr" / name, np.stack([head(index)[0]] * volumes, axis=-1))
    return describe(
        root,
        modality={str(index): name for index, name in enumerate(modality)},
        labels={str(value): name for name, value in LABELS.items()},
        training=[{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
    )


def rows_of(images="scans", labels="masks", column="image", cases=4, **more):
    return [
        {column: f"{images}/sub-{index:03d}.nii.gz", "label": f"{labels}/sub-{index:03d}.nii.gz", **more}
        for index in range(cases)
    ]


def write_listing(root, **options):
    write_pairs(root / "scans", root / "masks")
    describe(root, labels=LABELS)
    return write_csv(root / "cases.csv", rows_of(**options))


def write_known_pair(root):
    write_pairs(root / "Brain", root / "Lesion", image_suffix="_T1w", label_suffix="_mask")
    return describe(root, labels=LABELS)


def write_table(root, separator, suffix):
    listing = write_listing(root)
    text = listing.read_text(encoding="utf-8").replace(",", separator)
    listing.unlink()
    path = root / f"cases{suffix}"
    path.write_text(text)
    return path


def write_moved(root, image, label):
    """Write the heads of `write_pairs` under other paths, in which `{name}` is the case."""
    write_pairs(root / "scans", root / "masks")
    for index in range(4):
        name = f"sub-{index:03d}"
        for folder, place in (("scans", image), ("masks", label)):
            target = root / place.format(name=name)
            target.parent.mkdir(parents=True, exist_ok=True)
            (root / folder / f"{name}.nii.gz").rename(target)
    (root / "scans").rmdir()
    (root / "masks").rmdir()
    return describe(root, labels=LABELS)
