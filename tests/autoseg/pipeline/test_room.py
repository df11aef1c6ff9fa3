from autoseg.pipeline.jobs import fit_into


def test_cases_stay_on_the_device_while_there_is_room() -> None:
    assert fit_into([3, 3, 5, 2], 9.0) == [True, True, False, True]
    assert fit_into([3, 3], float("inf")) == [True, True]
    assert fit_into([3, 3], -1.0) == [False, False]
