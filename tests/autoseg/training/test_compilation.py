from __future__ import annotations

import locale
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch._inductor import config as inductor

from autoseg.training.compilation import Trial, try_compiled
from autoseg.training.curve import Line
from autoseg.training.policy import Policy
from autoseg.training.position import Position
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.builders import make_trainer, setup

# Training is long enough for a trial, however short it is.
ALWAYS = Policy(compile_seconds_ahead=0.0, report_seconds=0.0)


@pytest.mark.parametrize(
    ("eager", "compiled", "pays"), [((2.0, 9.0, 2.0), (1.5, 1.5, 9.0), True), ((1.0,), (0.99,), False)]
)
def test_a_compiled_network_is_kept_where_its_median_step_is_clearly_quicker(
    eager: tuple[float, ...], compiled: tuple[float, ...], pays: bool
) -> None:
    trial = Trial(compiling=30.0, eager=eager, compiled=compiled)
    assert trial.pays() == pays
    assert ("stays compiled" in trial.describe()) == pays


def plain(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (images,)


def quick(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (images,)


def test_both_kinds_of_steps_are_timed_in_turns() -> None:
    calls = []
    seconds = {plain: 2.0, quick: 1.0}
    network, trial = try_compiled(plain, lambda network: quick, lambda call: calls.append(call) or seconds[call])
    assert calls == [quick, *[plain, quick] * 3]
    assert trial == Trial(compiling=1.0, eager=(2.0,) * 3, compiled=(1.0,) * 3)
    assert network is quick


def test_the_compiler_may_read_its_files_by_the_locale_as_soon_as_it_is_loaded(ascii_locale: None) -> None:
    seen = []
    try_compiled(plain, lambda network: seen.append(locale.getpreferredencoding(False)) or quick, lambda call: 1.0)
    assert seen == ["UTF-8"]


def test_a_compiler_that_cannot_be_loaded_does_not_end_the_training() -> None:
    def refuse(network: object) -> object:
        raise ImportError("no such module")

    network, trial = try_compiled(plain, refuse, lambda call: 1.0)
    assert (network, trial.failure) == (plain, "no such module")


def test_a_compiler_that_fails_without_a_word_does_not_end_the_training_either() -> None:
    def refuse(network: object) -> object:
        raise NotImplementedError

    network, trial = try_compiled(plain, refuse, lambda call: 1.0)
    assert (network, trial.failure) == (plain, "NotImplementedError")


@pytest.fixture
def ascii_locale() -> Iterator[None]:
    """The locale of a process that was started without one."""
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    yield
    locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_trial_leaves_the_training_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {}
    for name, compiled in (("tried", True), ("plain", False)):
        lines: list[Line] = []
        # Kept or not depends on the moment; here it is timed, and then dropped.
        monkeypatch.setattr(Trial, "pays", lambda trial: False)
        made = setup(iterations=8, compiled=compiled, policy=ALWAYS)
        make_trainer(tmp_path / name, made, observers=[lines.append]).run()
        tried = [line for line in lines if line["kind"] == "compiled"]
        assert len(tried) == compiled
        assert all(not line["failure"] and len(line["compiled"]) == 3 for line in tried)
        weights[name] = FoldFolder(root=tmp_path / name).weights.read_bytes()
    assert weights["tried"] == weights["plain"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_steps_do_what_plain_steps_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ascii_locale: None
) -> None:
    monkeypatch.setattr(Trial, "pays", lambda trial: not trial.failure)
    plain, compiled = (Stepper(setup(iterations=8), FoldFolder(root=tmp_path)) for _ in range(2))
    assert not compiled.try_compiling(0).failure
    for iteration in range(3):
        # float32 sums in another order, over a few steps.
        found, expected = (stepper.run(Position(iteration=iteration), 1e-3) for stepper in (compiled, plain))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_machine_without_a_compiler_trains_on_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.compiler.reset()
    monkeypatch.setattr(inductor.cpp, "cxx", (str(tmp_path / "no-compiler"),))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    stepper = Stepper(setup(iterations=8), FoldFolder(root=tmp_path))
    trial = stepper.try_compiling(0)
    assert trial.failure
    assert "cannot be compiled here" in trial.describe()
    assert stepper.run(Position(), 1e-3).isfinite()
