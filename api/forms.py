"""A small file sent as multipart/form-data: read, measured and digested, kept in a temporary file by the framework."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from flask import Request, request

from tasks.errors import Invalid, PayloadTooLarge, Violation
from tasks.params import check, shown

if TYPE_CHECKING:
    from tasks.params import Params

FILE_MAX: Final = 10 << 20
OVERHEAD: Final = 64 << 10  # boundaries, part headers, other fields
PARTS_MAX: Final = 10


class FormRequest(Request):
    """Flask's request, closing the temporary files of a form even when the form broke off half way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._streams: list[IO[bytes]] = []

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*args, **kwargs)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """Close what the form opened."""
        super().close()
        for stream in self._streams:
            stream.close()


@dataclass(frozen=True)
class FormFile:
    """The one file of a form, and the form's checked other fields."""

    stream: IO[bytes]
    filename: str
    media_type: str
    bytes: int
    sha256: str
    fields: dict[str, Any]

    @property
    def fingerprint(self) -> list[Any]:
        """What makes two forms the same request."""
        return [self.filename, self.media_type, self.sha256, self.fields]


def read(schema: type[Params]) -> FormFile:
    """Return the form's part `file`; raises Invalid without one, PayloadTooLarge above 10 MiB."""
    request.max_content_length = FILE_MAX + OVERHEAD
    request.max_form_parts = PARTS_MAX
    names = sorted(request.files)
    if names != ["file"] or len(request.files.getlist("file")) != 1:
        raise Invalid(None, Violation("/file", f"one part named file is expected; these came: {shown(names)}."))
    sent = request.files["file"]
    digest, size = hashlib.sha256(), 0
    while chunk := sent.stream.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    if size > FILE_MAX:
        raise PayloadTooLarge(f"The file has {size} bytes; in one step {FILE_MAX} is the most. Send JSON instead.")
    sent.stream.seek(0)
    given = check(schema, {**request.form.to_dict(), "filename": sent.filename or ""}, pointer="")
    return FormFile(sent.stream, given["filename"], sent.mimetype or "", size, digest.hexdigest(), given)
