"""The answer to one request: outputs in their places, or what kept them from being made, as a status of HTTP."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.hardware import ran_out_of_memory, release_memory
from autoseg.pipeline.predictions.maps import make_probabilities
from autoseg.pipeline.serving.incoming import IncomingError, find_incoming
from autoseg.pipeline.serving.interface import WHOLE, Interface
from autoseg.prediction import LoadedModel, Segmented, watching
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.failures import describe_failure
from dataset_fingerprints.fault_log import first_line
from dataset_fingerprints.files.atomic import sweep_partials
from dataset_fingerprints.files.jsonfiles import JsonValue
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import write_label_map, write_map

ENDING = "the server ends. Send the request again once it runs."
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoppingError(AutosegError):
    """The server is asked to end, and what it was doing is given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer to a request.

    Attributes:
        status: of HTTP.
        content: what is answered, as JSON.
    """

    status: HTTPStatus
    content: dict[str, JsonValue]

    def describe(self) -> str:
        """Return the answer in a line."""
        said = self.content.get("error") or f"done in {self.content.get('seconds')} s"
        return f"{self.status.value} {self.status.phrase}: {said}"


def refuse(status: HTTPStatus, message: str) -> Answer:
    """Return the answer to a request that cannot be fulfilled."""
    return Answer(status=status, content={"error": message})


def answer_request(model: LoadedModel, interface: Interface, is_stopping: Callable[[], bool]) -> Answer:
    """Segment what lies in the folder of inputs, and write the outputs; whatever goes wrong is the answer.

    Outputs of an earlier request are deleted first, so that none can be taken for one of this request. A request that
    fails leaves none.

    Args:
        model: that segments.
        interface: says where everything lies.
        is_stopping: asked after every patch; the request is given up when it says yes.
    """
    answer = _answer(model, interface, is_stopping)
    # Not before: until here, the scan is held, or the error that holds it.
    release_memory()
    return answer


def _answer(model: LoadedModel, interface: Interface, is_stopping: Callable[[], bool]) -> Answer:
    started = time.monotonic()
    outputs = interface.outputs()
    try:
        _clear(outputs)
        incoming = find_incoming(interface)
        scan, segmented, remarks = _segment(model, [incoming.images[name] for name in model.channels], is_stopping)
    except Exception as error:
        return _refuse_for(error, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        _write(interface, model.scheme, scan, segmented)
    except Exception as error:
        with suppress(OSError):
            _clear(outputs)
        return _refuse_for(error, HTTPStatus.INTERNAL_SERVER_ERROR)
    content: dict[str, JsonValue] = {
        "outputs": [str(path) for path in outputs],
        "seconds": round(time.monotonic() - started, 3),
        "warnings": [*incoming.remarks, *remarks],
    }
    return Answer(status=HTTPStatus.CREATED, content=content)


def _clear(outputs: tuple[Path, ...]) -> None:
    sweep_partials(*outputs)
    for path in outputs:
        path.unlink(missing_ok=True)


def _segment(
    model: LoadedModel, images: list[Path], is_stopping: Callable[[], bool]
) -> tuple[Scan, Segmented, list[str]]:
    """Return the scan, what the model makes of it, and in what it is unlike those that the model was trained on."""

    def give_up(_passes: int, _total: int) -> None:
        if is_stopping():
            raise StoppingError(ENDING)

    scan = model.read(images[0].name, images)
    remarks = [one.message for one in model.find_unlikeness(scan)]
    with watching(give_up):
        return scan, model.segment(scan), remarks


def _write(interface: Interface, scheme: LabelScheme, scan: Scan, segmented: Segmented) -> None:
    """Write probabilities first, so that a mask that is there has its maps."""
    names = [entry.name for entry in scheme.regions or scheme.labels]
    for one in interface.probabilities:
        number = names.index(one.label)
        values = make_probabilities(scan, segmented, range(number, number + 1))[0]
        write_map(Path(interface.output, one.path), values, scan.source_grid, scan.header)
    for one in interface.masks:
        labels = segmented.mask if one.label == WHOLE else _mark(scheme, segmented.labels, one.label)
        write_label_map(Path(interface.output, one.path), labels, scan.source_grid, scan.header)


def _mark(scheme: LabelScheme, labels: NDArray[np.integer], name: str) -> NDArray[np.uint8]:
    """Return the mask of a label or region: 1 where it is, else 0."""
    values = next((region.values for region in scheme.regions if region.name == name), None)
    if values is None:
        values = tuple(label.value for label in scheme.labels if label.name == name)
    return np.isin(labels, values).astype(np.uint8)


def _refuse_for(error: Exception, usual: HTTPStatus) -> Answer:
    """Return the answer that an error makes.

    Args:
        error: what went wrong.
        usual: the status of what is not known better.
    """
    lacking = ran_out_of_memory(error)
    failure = describe_failure("sent", "cannot be segmented", MemoryError(first_line(error)) if lacking else error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR if lacking else _status_of(error, usual)
    return refuse(status, failure.message)


def _status_of(error: Exception, usual: HTTPStatus) -> HTTPStatus:
    if isinstance(error, IncomingError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, StoppingError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return HTTPStatus.INSUFFICIENT_STORAGE
    return usual if isinstance(error, AutosegError) else HTTPStatus.INTERNAL_SERVER_ERROR
