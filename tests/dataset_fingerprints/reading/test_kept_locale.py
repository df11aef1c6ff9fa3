"""Reading and writing leave the locale of the process as it was."""

from __future__ import annotations

import locale
import logging

import numpy as np
import pytest
import SimpleITK

from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.reading.images import read_channels, read_grid, write_label_map
from dataset_fingerprints.reading.kept_locale import keeping_locale
from tests.dataset_fingerprints.reading.dicom.builders import write_series

UTF8 = "C.UTF-8"


@pytest.fixture(autouse=True)
def utf8_locale():
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, UTF8)
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture
def careless_library(monkeypatch):
    """SimpleITK leaves an ASCII locale behind after every file, as it does after some."""

    def leaving_ascii(call):
        def called(*args):
            try:
                return call(*args)
            finally:
                locale.setlocale(locale.LC_ALL, "C")

        return called

    reader, writer = SimpleITK.ImageFileReader, SimpleITK.ImageFileWriter
    for kind, name in ((reader, "ReadImageInformation"), (reader, "Execute"), (writer, "Execute")):
        monkeypatch.setattr(kind, name, leaving_ascii(getattr(kind, name)))


def write_nrrd(path):
    write_label_map(path, np.ones((3, 4, 5), np.uint8), make_grid((3, 4, 5), np.eye(4)))
    return path


@pytest.mark.parametrize("read", [read_grid, read_channels])
@pytest.mark.parametrize("write", [write_series, write_nrrd])
def test_reading_leaves_the_locale(tmp_path, careless_library, write, read):
    path = write(tmp_path / ("scan" if write is write_series else "scan.nrrd"))
    locale.setlocale(locale.LC_ALL, UTF8)
    read(path)
    assert locale.setlocale(locale.LC_ALL) == UTF8


def test_writing_leaves_the_locale(tmp_path, careless_library):
    write_nrrd(tmp_path / "mask.nrrd")
    assert locale.setlocale(locale.LC_ALL) == UTF8


def fail_inside():
    with keeping_locale():
        locale.setlocale(locale.LC_ALL, "C")
        raise RuntimeError("damaged")


def test_a_block_that_fails_leaves_the_locale():
    with pytest.raises(RuntimeError, match="damaged"):
        fail_inside()
    assert locale.setlocale(locale.LC_ALL) == UTF8


def test_blocks_of_two_threads_leave_the_locale_of_before_both():
    first, second = keeping_locale(), keeping_locale()
    first.__enter__()
    locale.setlocale(locale.LC_ALL, "C")
    second.__enter__()
    first.__exit__(None, None, None)
    locale.setlocale(locale.LC_ALL, "C")
    second.__exit__(None, None, None)
    assert locale.setlocale(locale.LC_ALL) == UTF8


def test_numbers_have_a_decimal_point_inside_and_those_of_the_process_outside():
    with keeping_locale():
        assert locale.setlocale(locale.LC_NUMERIC) == "C"
    assert locale.setlocale(locale.LC_NUMERIC) == UTF8


def refuse(monkeypatch, *categories):
    """Let the system take no name of these categories."""
    real = locale.setlocale

    def refusing(category, name=None):
        if name is not None and category in categories:
            raise locale.Error("unsupported locale setting")
        return real(category, name)

    monkeypatch.setattr(locale, "setlocale", refusing)


def test_where_all_categories_cannot_be_restored_at_once_the_encoding_is(monkeypatch, caplog):
    with monkeypatch.context() as patched, keeping_locale():
        locale.setlocale(locale.LC_ALL, "C")
        refuse(patched, locale.LC_ALL)
    assert locale.setlocale(locale.LC_CTYPE) == UTF8
    assert not caplog.records


def test_a_locale_that_cannot_be_restored_is_said_and_stops_nothing(monkeypatch, caplog):
    with caplog.at_level(logging.WARNING), monkeypatch.context() as patched, keeping_locale():
        locale.setlocale(locale.LC_ALL, "C")
        refuse(patched, locale.LC_ALL, locale.LC_CTYPE)
    assert f"The locale {UTF8} cannot be set again" in caplog.text
