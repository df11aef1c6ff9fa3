"""Sources that hold no release, several, or archives are refused with what to do."""

from __future__ import annotations

import pytest

from dataset_fingerprints.atlas import find_release
from dataset_fingerprints.errors import DataError
from tests.synthetic.atlas_trees import NATIVE, write_bids, write_icpsr, write_old, write_r20
from tests.synthetic.trees import close_folders


def test_archives_are_refused_by_name_with_what_to_do(tmp_path):
    encrypted = tmp_path / "ATLAS_R2.0_encrypted.tar.gz"
    encrypted.write_bytes(b"U2FsdGVkX19abcdef")
    other = tmp_path / "plain" / "standard_MNI.zip"
    other.parent.mkdir()
    other.write_bytes(b"PK")

    with pytest.raises(
        DataError, match=r"is an encrypted archive. Decrypt it with the password that came with the data"
    ):
        find_release(encrypted)
    with pytest.raises(DataError, match=r"ATLAS_R2.0_encrypted.tar.gz: an encrypted archive"):
        find_release(tmp_path)
    with pytest.raises(DataError, match=r"standard_MNI.zip: an archive, not unpacked. Unpack it"):
        find_release(tmp_path / "plain")


def test_an_archive_beside_sessions_is_left_out(tmp_path):
    source = write_r20(tmp_path)
    (source / "more.tgz").write_bytes(b"x")

    assert {one.path for one in find_release(source).left_out} == {"MNI152NLin2009aSym.nii.gz", "more.tgz"}


def test_a_folder_without_sessions_and_one_that_is_not_there_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match=r"holds no session of ATLAS. Expected"):
        find_release(tmp_path / "empty")
    with pytest.raises(DataError, match="does not exist"):
        find_release(tmp_path / "nowhere")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(DataError, match=r"is a file. Expected the folder"):
        find_release(tmp_path / "file.txt")


def test_two_releases_below_one_folder_are_refused_with_their_folders(tmp_path):
    write_bids(tmp_path / "ATLAS_2", ("r001s001", "r001s002"))
    write_bids(tmp_path / "native", ("r001s001",), cohort="Training_Raw", space=NATIVE)
    write_old(tmp_path / "old", ("Site1/031768/t01",))

    with pytest.raises(DataError, match=r"holds scans of 3 releases or spaces: .*2 of R2.0 in .*ATLAS_2/Training/R001"):
        find_release(tmp_path)
    assert find_release(tmp_path / "native").name == "R2.1"


@pytest.mark.parametrize(
    ("cohort", "name"), [("Training_Raw", "R2.1"), ("ATLAS3_Training_Raw", "R3.0"), ("ATLAS_R3.0/Training", "R3.0")]
)
def test_native_releases_are_told_by_their_folders(tmp_path, cohort, name):
    write_bids(tmp_path, ("r001s001",), cohort=cohort, space=NATIVE)

    assert find_release(tmp_path).name == name


def test_a_folder_or_a_table_that_names_a_release_counts_before_what_the_scans_are_called(tmp_path):
    write_bids(tmp_path / "one" / "ATLAS_R3.0", ("r001s001",))
    other = write_r20(tmp_path / "two", subjects=("r001s001",))
    (other / "20240101_ATLAS_R3.0_MetaData.csv").write_text("Subject ID,Session\nsub-r001s001,ses-1\n")

    for folder in (tmp_path / "one", tmp_path / "one" / "ATLAS_R3.0" / "Training", other):
        found = find_release(folder)
        assert found.name == "R3.0"
        assert "is called R3.0, although its scans are called as those of R2.0" in found.doubt


def test_folders_and_tables_of_two_releases_leave_a_doubt_and_the_folder_counts(tmp_path):
    source = write_r20(tmp_path / "ATLAS_2", subjects=("r001s001",))
    (source / "20240101_ATLAS_R3.0_MetaData.csv").write_text("Subject ID,Session\nsub-r001s001,ses-1\n")

    found = find_release(source)

    assert (found.name, "called after R2.0 and R3.0" in found.doubt) == ("R2.0", True)


def test_a_native_tree_that_nothing_names_is_doubtful_until_somebody_says_which(tmp_path):
    write_bids(tmp_path, ("r001s001",), cohort="Training_Raw", space=NATIVE)

    assert "R2.1 and R3.0 look alike" in find_release(tmp_path).doubt
    assert (find_release(tmp_path, "R3.0").name, find_release(tmp_path, "R3.0").doubt) == ("R3.0", "")
    with pytest.raises(DataError, match=r"release is 'R1.2', but the files are called as those of R2.1 or R3.0"):
        find_release(tmp_path, "R1.2")


def test_older_tables_beside_native_scans_do_not_name_them(tmp_path):
    write_bids(tmp_path, ("r001s001",), cohort="ATLAS3_Training_Raw", space=NATIVE)
    (tmp_path / "20220425_ATLAS_2.0_MetaData.csv").write_text("Subject ID,Session\nsub-r001s001,ses-1\n")

    assert (find_release(tmp_path).name, find_release(tmp_path).doubt) == ("R3.0", "")


@pytest.mark.parametrize(
    ("cohort", "testing"),
    [("tests/ATLAS_2/Training", False), ("training_set/Testing", True), ("test_data", True), ("data/test", True)],
)
def test_the_innermost_folder_says_whether_a_case_is_for_a_test(tmp_path, cohort, testing):
    write_bids(tmp_path, ("r001s001",), cohort=cohort)

    assert find_release(tmp_path).sessions[0].testing == testing


def test_a_folder_of_a_person_that_is_called_test_says_nothing(tmp_path):
    root = tmp_path / "test" / "ATLAS_2"
    write_bids(root, ("r001s001",))
    write_bids(tmp_path / "Testing", ("r002s001",), cohort="")

    write_old(tmp_path / "old" / "test_data" / "ATLAS", ("Site1/031768/t01",))
    assert not find_release(tmp_path / "old").sessions[0].testing
    assert not find_release(root).sessions[0].testing
    assert not find_release(root / "Training" / "R001").sessions[0].testing
    assert find_release(tmp_path / "Testing" / "R002" / "sub-r002s001").sessions[0].testing


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    source = write_icpsr(tmp_path, ("c0003s0008t01",))
    (source / "standard_MNI" / "again").symlink_to(source, target_is_directory=True)

    assert len(find_release(source).sessions[0].scans) == 1


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    source = write_r20(tmp_path)
    close_folders(monkeypatch, "sub-r001s002")

    with pytest.raises(DataError, match=r"sub-r001s002: cannot be listed \(Permission denied\)"):
        find_release(source)


def test_an_imported_data_set_is_no_source(tmp_path):
    source = write_r20(tmp_path)
    imported = source / "mine"
    write_bids(imported, ("r001s001",))
    (imported / "atlas.json").write_text("{}")

    release = find_release(source)

    assert len(release.sessions) == 6
    assert ("mine", "a data set that was imported before") in [(one.path, one.why) for one in release.left_out]
