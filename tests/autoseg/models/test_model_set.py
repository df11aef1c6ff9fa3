"""Models that predict together: of the same labels, or of different ones."""

from __future__ import annotations

from tests.autoseg.models.portable.builders import configure, put_together, train


def test_only_networks_of_the_same_labels_can_disagree() -> None:
    dark, bright = (train([configure(name, targets=((value,),))]) for name, value in (("dark", 3), ("bright", 700)))
    assert not put_together({"dark": (dark,)}).can_disagree()
    assert put_together({"dark": (dark, dark)}).can_disagree()
    assert not put_together({"dark": (dark, dark)}, {"bright": (bright, bright)}).can_disagree()
