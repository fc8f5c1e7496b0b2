"""Streams files into a ZIP in constant memory: the same members give the same bytes."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from reports.json_text import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # ZIP's own first moment: a bundle's time would change its bytes
LEVEL: Final = 1  # five times as fast as 6 for a fifth more bytes, measured on 200 MB of CSV
CHUNK: Final = 1 << 20
PACKED: Final = (
    ".parquet",
    ".pdf",
    ".xlsx",
    ".zip",
    ".gz",
    ".zst",
)  # deflating these again costs time and wins nothing


def write_bundle(content: Mapping[str, Any], path: Path) -> None:
    """Write `members` ({"name", "path"}), `changelog` (text) and `manifest` (an object) as one ZIP, in that order."""
    with zipfile.ZipFile(path, "w", allowZip64=True) as bundle:
        for member in content["members"]:
            with Path(member["path"]).open("rb") as file:
                _add(bundle, member["name"], file, Path(member["path"]).stat().st_size)
        _add_text(bundle, "CHANGELOG.md", content["changelog"])
        _add_text(bundle, "MANIFEST.json", json_text(content["manifest"]))


def _add_text(bundle: zipfile.ZipFile, name: str, text: str) -> None:
    data = text.encode()
    _add(bundle, name, io.BytesIO(data), len(data))


def _add(bundle: zipfile.ZipFile, name: str, file: IO[bytes], size: int) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system = 3  # Unix, wherever it is made
    info.external_attr = 0o644 << 16
    info.file_size = size  # lets zipfile choose ZIP64 before the first byte
    info.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
    info._compresslevel = LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - public from Python 3.13 only
    with bundle.open(info, "w") as member:
        shutil.copyfileobj(file, member, CHUNK)
