from __future__ import annotations

import resource
import zipfile

from reports.bundle import write_bundle


def test_members_manifest_and_change_log_are_inside_and_unzip_into_one_folder(tmp_path):
    (tmp_path / "a").write_text("hello")
    content = {
        "members": [{"name": "01-toy/a.txt", "path": str(tmp_path / "a")}],
        "changelog": "# C\n",
        "manifest": {"x": 1},
    }
    write_bundle(content, tmp_path / "b.zip")
    out = tmp_path / "out"
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == ["01-toy/a.txt", "CHANGELOG.md", "MANIFEST.json"]
        assert {info.date_time for info in bundle.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        bundle.extractall(out)
    assert (out / "01-toy/a.txt").read_text() == "hello"


def test_a_large_bundle_is_streamed(tmp_path):
    size = 96 * 2**20
    with (tmp_path / "big").open("wb") as file:
        file.truncate(size)
    content = {"members": [{"name": "big.csv", "path": str(tmp_path / "big")}], "changelog": "", "manifest": {}}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_bundle(content, tmp_path / "b.zip")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        assert bundle.getinfo("big.csv").file_size == size
    assert grown < 16 * 1024
