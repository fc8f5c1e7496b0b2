"""Looks at an uploaded logo before anything draws it: what it is and how large, from its first bytes alone."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from tasks.errors import DataUnusable, Violation

if TYPE_CHECKING:
    from tasks.inputs import LocalFile

BYTES_MAX: Final = 2 * 2**20
SIDE_MAX: Final = 2000  # pixels: the logo is printed a few centimetres wide
PNG: Final = b"\x89PNG\r\n\x1a\n"
HEADER: Final = 24  # bytes of a PNG up to the end of its width and height


def checked_logo(file: LocalFile) -> str:
    """Return the path of a logo that is safe to draw; DataUnusable for another format, too many bytes or pixels."""
    with file.path.open("rb") as opened:
        head = opened.read(HEADER)
    if len(head) < HEADER or head[:8] != PNG or head[12:16] != b"IHDR":
        raise _refusal(f"{file.filename} is not a PNG picture; upload the logo as PNG.")
    width, height = struct.unpack(">II", head[16:24])
    if file.bytes > BYTES_MAX or not 0 < width <= SIDE_MAX or not 0 < height <= SIDE_MAX:
        raise _refusal(
            f"{file.filename} has {file.bytes:,} bytes and {width:,} x {height:,} pixels; "
            f"give at most {BYTES_MAX:,} bytes and {SIDE_MAX:,} pixels a side."
        )
    return str(file.path)


def _refusal(detail: str) -> DataUnusable:
    return DataUnusable(detail, Violation("/params/branding/logo", detail))
