"""From an uploaded file's bytes to one plain file that can be read: what it is, unpacked, decoded, surveyed.

Content decides, never the name. Does not parse a single value.
"""

from __future__ import annotations

import codecs
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from tasks.errors import DataUnusable, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK: Final = 1 << 20
SURVEYED: Final = 1 << 17  # bytes looked at together: they stay in the nearest cache from one look to the next
RETURN: Final = 13

MAX_DECODED: Final = 16 << 30  # bytes; more than this is not one file of daily data
MAX_RATIO: Final = 300  # a CSV of prices packs to a fifth; a thousandth is a bomb
FREE: Final = 64 << 20  # bytes that may unpack at any ratio: too few to hurt

MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "parquet"),
)
FOREIGN: Final = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet; save it as CSV, or pack it with gzip or zstd"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
    (b"\x89PNG", "an image"),
    (b"BZh", "bzip2; pack it with gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive; pack it with gzip or zstd"),
)
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CODECS: Final = {"utf-8": "utf-8", "utf-16": "utf-16", "latin-1": "latin-1", "windows-1252": "cp1252"}


@dataclass(frozen=True)
class Intake:
    """A plain local file and what was learnt on the way to it; for Parquet only `path` and `format` mean anything."""

    path: Path
    format: str
    compression: str | None = None
    encoding: str | None = None
    newline: str | None = None
    quoted: bool = False
    underscored: bool = False  # somewhere a digit stands beside an underscore: `1_0` must not be read as ten


def refuse(detail: str, pointer: str = "/params/upload") -> DataUnusable:
    """Return the error for a file that can't be used as a whole."""
    return DataUnusable(detail, Violation(pointer, detail))


def open_up(path: Path, scratch: Path, encoding: str | None = None) -> Intake:
    """Return the file as plain UTF-8 text with one kind of line end, or as Parquet; a copy is made only if needed."""
    with path.open("rb") as file:
        head = file.read(4096)
    kind = _kind(head)
    if kind == "parquet":
        return Intake(path, "parquet")
    if kind in ("gzip", "zstd"):
        plain = scratch / "unpacked"
        _unpack(path, plain, kind)
        with plain.open("rb") as file:
            if _kind(file.read(4096)) is not None:
                raise refuse(f"The {kind} file holds another packed file; upload the inner file itself.")
        path = plain
    return _as_text(path, scratch, encoding, kind)


def _kind(head: bytes) -> str | None:
    if not head:
        raise refuse("The file is empty.")
    for magic, what in FOREIGN:
        if head.startswith(magic):
            raise refuse(f"The file is {what}; ingest reads CSV (plain, gzip, zstd) and Parquet.")
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<":
        raise refuse("The file is HTML or XML, perhaps a login page saved by mistake; ingest reads CSV and Parquet.")
    return next((name for magic, name in MAGIC if head.startswith(magic)), None)


def _unpack(source: Path, target: Path, kind: str) -> None:
    """Unpack a file, stopping at the cap: a bomb costs at most that much disk."""
    limit = min(MAX_DECODED, max(FREE, MAX_RATIO * source.stat().st_size))
    written = 0
    with source.open("rb") as packed, target.open("wb") as plain:
        for block in _gunzip(packed) if kind == "gzip" else _unzstd(packed):
            written += len(block)
            if written > limit:
                raise refuse(f"The file unpacks to more than {limit:,} bytes; split it, or upload it unpacked.")
            plain.write(block)


def _gunzip(packed: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a gzip file of one or more members, never more than a chunk at a time."""
    data, member = packed.read(CHUNK), zlib.decompressobj(wbits=31)
    try:
        while data:
            block = member.decompress(data, CHUNK)
            yield block
            data = member.unconsumed_tail or (b"" if member.eof else packed.read(CHUNK))
            if member.eof:
                data = member.unused_data.lstrip(b"\0") or packed.read(CHUNK).lstrip(b"\0")
                member = zlib.decompressobj(wbits=31) if data else member
    except zlib.error:
        raise refuse("The gzip file is damaged: its data do not unpack.") from None
    if not member.eof:
        raise refuse("The gzip file is cut short: its end is missing.")


def _unzstd(packed: IO[bytes]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - few uploads need it

    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed, read_across_frames=True)
        while block := reader.read(CHUNK):
            yield block
    except zstandard.ZstdError:
        raise refuse("The zstd file is damaged: its data do not unpack.") from None


def _as_text(path: Path, scratch: Path, declared: str | None, compression: str | None) -> Intake:
    with path.open("rb") as file:
        mark = file.read(2)
    encoding = declared or ("utf-16" if mark in UTF16_MARKS else "utf-8")
    if encoding == "utf-8":
        survey = _survey(path)
        if survey.newline not in ("mixed", "\r"):
            return _intake(path, survey, encoding, compression)
    plain = scratch / "plain.csv"
    _transcode(path, plain, CODECS[encoding])
    newline = _survey(path).newline if encoding == "utf-8" else None
    survey = _survey(plain)
    return _intake(plain, survey, encoding, compression, newline)


@dataclass
class _Survey:
    quotes: int = 0
    newline: str | None = None
    underscored: bool = False


def _intake(path: Path, survey: _Survey, encoding: str, compression: str | None, newline: str | None = None) -> Intake:
    if survey.quotes % 2:
        raise refuse('A quote (") is opened and never closed; double a quote that is part of a value ("").')
    name = {"\n": "LF", "\r\n": "CRLF", "\r": "CR", "mixed": "mixed", None: None}[newline or survey.newline]
    return Intake(path, "csv", compression, encoding, name, survey.quotes > 0, survey.underscored)


def _survey(path: Path) -> _Survey:
    """Find what reading depends on, and check every byte to be UTF-8, in one pass at memory speed."""
    found, feeds, pairs, returns, offset, last = _Survey(), 0, 0, 0, 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(SURVEYED):
            _check_utf8(decoder, chunk, offset)
            offset += len(chunk)
            if returns or not feeds or b"\r" in chunk or last == RETURN:
                feeds += chunk.count(b"\n")
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (last == RETURN and chunk[:1] == b"\n")
            found.quotes += chunk.count(b'"')
            found.underscored = found.underscored or b"_" in chunk
            last = chunk[-1]
    _check_utf8(decoder, b"", offset, final=True)
    kinds = [name for name, count in (("\r\n", pairs), ("\n", feeds - pairs), ("\r", returns - pairs)) if count]
    found.newline = kinds[0] if len(kinds) == 1 else "mixed" if kinds else None
    return found


def _check_utf8(decoder: Any, chunk: bytes, offset: int, *, final: bool = False) -> None:
    if b"\0" in chunk:
        raise refuse(f"The file holds a zero byte at offset {offset + chunk.index(0)}; it is not text in UTF-8.")
    pending = len(decoder.getstate()[0])
    if chunk.isascii() and not pending and not final:
        return
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        where = offset - pending + error.start
        raise refuse(
            f"The file is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {where}. "
            "Declare its `encoding` (latin-1, windows-1252 or utf-16), or save it as UTF-8.",
            "/params/encoding",
        ) from None


def _transcode(source: Path, target: Path, codec: str) -> None:
    """Write the text as UTF-8 with line feeds only."""
    try:
        with (
            source.open("r", encoding=codec, newline=None) as text,
            target.open("w", encoding="utf-8", newline="\n") as plain,
        ):
            while block := text.read(CHUNK):
                plain.write(block.removeprefix("\ufeff"))
    except UnicodeError as error:
        offset = getattr(error, "start", 0)
        raise refuse(f"The file is not {codec}: see the byte near offset {offset}.", "/params/encoding") from None
