"""The table of inputs and outputs: its defaults, and what in it cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoseg.pipeline.serving.interface import Interface, check_model, make_interface, read_interface, write_interface
from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.errors import AutosegError, DataError

LESION = LabelScheme(labels=(Label(name="lesion", value=1),))
TUMOUR = LabelScheme(labels=(Label(name="core", value=1), Label(name="oedema", value=2)))
REGIONS = LabelScheme(
    labels=TUMOUR.labels,
    regions=(Region(name="whole tumour", values=(1, 2)), Region(name="core", values=(1,))),
    region_export_order=(2, 1),
)


def test_a_model_of_one_lesion_on_t1w_images_has_the_interface_of_isles26() -> None:
    table = make_interface(("T1w",), LESION)
    assert (table.port, table.input, table.output) == (4743, "/input", "/output")
    assert [(image.slug, image.path) for image in table.images] == [("t1-brain-mri", "images/t1-brain-mri")]
    assert [entry.path for entry in table.values] == ["stroke-metadata.json"]
    assert [str(path) for path in table.outputs()] == [
        "/output/images/stroke-lesion-segmentation/output.mha",
        "/output/images/lesion-probability-map/output.mha",
    ]
    assert table.models[0] == "/opt/ml/model"


def test_other_models_get_names_of_their_own() -> None:
    table = make_interface(("T1w", "b1000 (DWI)"), REGIONS)
    assert [image.path for image in table.images] == ["images/t1w", "images/b1000-dwi"]
    assert [mask.label for mask in table.masks] == [""]
    assert [one.path for one in table.probabilities] == [
        "images/whole-tumour-probability-map/output.mha",
        "images/core-probability-map/output.mha",
    ]
    check_model(table, ("b1000 (DWI)", "T1w"), REGIONS, "interface.json")


def edited(tmp_path: Path, **values: Any) -> Path:
    """Write a table as a person edits it."""
    path = tmp_path / "interface.json"
    write_interface(path, make_interface(("T1w",), LESION))
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values))
    return path


def test_a_table_is_read_as_it_was_written_and_edited(tmp_path: Path) -> None:
    assert read_interface(edited(tmp_path)) == make_interface(("T1w",), LESION)
    assert read_interface(edited(tmp_path, quality="fast", port=0)).quality == "fast"


def output(path: str, label: str = "lesion") -> dict[str, str]:
    return {"label": label, "path": path}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "port": ({"port": 70000}, "port is 70000. Expected 1 to 65535"),
    "quality": ({"quality": "fst"}, "Did you mean 'fast'?"),
    "no image": ({"images": []}, "there is no image, or no mask"),
    "a path out of the folder": ({"masks": [output("../mask.mha")]}, "'../mask.mha' leaves its folder"),
    "an absolute path": ({"masks": [output("/mask.mha")]}, "'/mask.mha' leaves its folder"),
    "a folder of nowhere": ({"input": "in"}, "the folder 'in' is not an absolute path"),
    "one slug for two": ({"values": [{"slug": "t1-brain-mri", "path": "a.json"}]}, "'t1-brain-mri' is given twice"),
    "two in one place": ({"masks": [output("a.mha")] * 2}, "'a.mha' is given twice"),
    "no format": ({"masks": [output("mask.txt")]}, "'mask.txt' has no suffix of an image"),
    "an unknown field": ({"ports": 1}, "ports"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_meant_is_named_with_the_file(tmp_path: Path, what: str) -> None:
    values, said = WRONG[what]
    path = edited(tmp_path, **values)
    with pytest.raises(AutosegError) as error:
        read_interface(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_of_a_folder_the_table_in_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path}: is a folder.* give {tmp_path / 'interface.json'}"):
        read_interface(tmp_path)


def test_a_table_of_another_model_is_refused(tmp_path: Path) -> None:
    table = make_interface(("T1w",), LESION)
    with pytest.raises(DataError, match=r"^interface\.json: names the channels T1w, but the model has FLAIR"):
        check_model(table, ("FLAIR",), LESION, "interface.json")
    with pytest.raises(DataError, match="names the label 'lesion' under `masks`"):
        check_model(table, ("T1w",), TUMOUR, "interface.json")
    maps: Interface = read_interface(edited(tmp_path, probabilities=[output("a.mha", "oedema")]))
    with pytest.raises(DataError, match="names the label 'oedema' under `probabilities`"):
        check_model(maps, ("T1w",), LESION, "interface.json")
