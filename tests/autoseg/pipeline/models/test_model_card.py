from __future__ import annotations

import pytest

from autoseg.pipeline.models.model_card import UNSAID, write_card
from planners.choices import Choice
from planners.plan import Preprocessing
from tests.autoseg.models.portable.builders import configure, put_together, train


@pytest.mark.parametrize(("seen", "said"), [(None, ""), ((1,), "* Channels that its networks see: DWI")])
def test_channels_are_listed_and_those_that_networks_see_where_these_are_not_all(
    seen: tuple[int, ...] | None, said: str
) -> None:
    preprocessing = Preprocessing(
        spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),) * 2, coarse_axis=-1, channels=seen
    )
    model = train([configure(preprocessing=preprocessing)], channels=("ADC", "DWI"))
    card = write_card(UNSAID, put_together({"3d_fullres": (model,)}), (), {})
    assert "* Channels, in this order: ADC, DWI" in card
    assert said in card
    assert ("networks see" in card) == bool(said)
