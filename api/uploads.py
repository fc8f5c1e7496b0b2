"""Uploads over HTTP: the client sends its bytes straight to the object store, or small files in one step."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from api import examples, forms
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.shapes import UploadShape
from infra import audit, uploads, usage
from infra.ids import new_id
from infra.resources import moment
from infra.uploads import PENDING_FOR, SINGLE_MAX
from tasks.errors import Conflict, Gone, Invalid, NotFound, QuotaExceeded, Violation
from tasks.params import Params, Text, Whole

if TYPE_CHECKING:
    from api.call import Call
    from infra.files import SignedRequest

TAG: Final = "Uploads"
BYTES_MAX: Final = 50_000_000_000
NAME: Final = r"[^/\\]+"
MEDIA_TYPE: Final = r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}"
SHA256: Final = "[0-9a-f]{64}"
TTL_S: Final = int(PENDING_FOR.total_seconds())


class UploadBody(Params):
    """A file that is about to come."""

    filename = Text(required=True, min_length=1, max_length=200, pattern=NAME)
    bytes = Whole(required=True, minimum=1, maximum=BYTES_MAX)
    sha256 = Text(load_default=None, max_length=64, pattern=SHA256, metadata={"description": "checked at completion"})
    media_type = Text(load_default="application/octet-stream", max_length=121, pattern=MEDIA_TYPE)


class FormBody(Params):
    """What may stand beside the file in a form."""

    filename = Text(required=True, min_length=1, max_length=200, pattern=NAME)
    sha256 = Text(load_default=None, max_length=64, pattern=SHA256)


class PartBody(Params):
    """One part that has been stored."""

    number = Whole(required=True, minimum=1, maximum=10_000)
    etag = Text(required=True, min_length=1, max_length=100, metadata={"description": "as the store answered it"})


class CompleteBody(Params):
    """The stored parts of a large upload; nothing for a small one."""

    parts = fields.List(fields.Nested(PartBody), load_default=list)


@dataclass(frozen=True)
class Prepared:
    """What the object store was asked before the transaction: the new upload's id and, for parts, the store's."""

    upload_id: str
    multipart_id: str | None = None


def prepare(call: Call) -> Prepared:
    """Store a form's file, or begin an upload in parts where the file is large."""
    files, upload_id = call.services.files, new_id("upl")
    if call.file is not None:
        key = uploads.key_of(call.org_id, upload_id, call.file.filename)
        with tempfile.TemporaryDirectory(prefix="floor-upload-") as folder:
            path = Path(folder) / "file"
            with path.open("wb") as kept:
                shutil.copyfileobj(call.file.stream, kept)
            files.put(key, path, _media_type(call.file), call.file.sha256)
        return Prepared(upload_id)
    if call.body["bytes"] <= SINGLE_MAX:
        return Prepared(upload_id)
    key = uploads.key_of(call.org_id, upload_id, call.body["filename"])
    return Prepared(upload_id, files.start_multipart(call.org_id, key, call.body["media_type"]))


@endpoint(
    "POST",
    "/v1/uploads",
    tag=TAG,
    summary="Start an upload",
    permission="research.run",
    body=UploadBody,
    form=FormBody,
    gather=prepare,
    refusals=(QuotaExceeded,),
    answers={201: Answer("Where to send the bytes; or, of a form, the upload, complete.", UploadShape)},
    example=Example(body={"filename": "prices.csv", "bytes": 1_048_576, "sha256": "0" * 64}),
)
def create_upload(call: Call) -> Reply:
    """Answer with the one request that stores the bytes; more than 100 MB go in parts.

    A multipart/form-data request with a part named `file`, of 10 MiB at most, is an upload by itself.
    """
    usage.require_room(call.connection, call.file.bytes if call.file is not None else call.body["bytes"])
    row = _store_form(call, call.gathered) if call.file is not None else _start(call, call.gathered)
    reply = Reply(_resource(call, row), 201, {"Location": f"/v1/uploads/{row['id']}"})
    _record(call, "upload.created", row)
    return reply


@endpoint(
    "GET",
    "/v1/uploads/{upload_id}",
    tag=TAG,
    summary="Get an upload",
    permission="read",
    answers={200: Answer("The upload; while it is pending, with fresh signed requests.", UploadShape)},
    refusals=(Gone,),
    example=Example(path={"upload_id": examples.PENDING_UPLOAD}),
)
def get_upload(call: Call) -> Reply:
    """Return an upload."""
    return Reply(_resource(call, uploads.get(call.connection, call.path["upload_id"])))


def measure(call: Call) -> tuple[str, int] | None:
    """Return digest and size of the bytes that arrived; None when the upload is over already."""
    with call.transaction() as connection:
        row = uploads.get(connection, call.path["upload_id"])
    if row["state"] != "pending":
        return None
    if row["multipart_id"]:
        _join(call, row)
    try:
        return call.services.files.digest(row["key"])
    except NotFound:
        raise Conflict("No bytes have arrived yet; send them with the request that the upload names.") from None


@endpoint(
    "POST",
    "/v1/uploads/{upload_id}/complete",
    tag=TAG,
    summary="Complete an upload",
    permission="research.run",
    body=CompleteBody,
    body_optional=True,
    gather=measure,
    answers={200: Answer("Size and digest are right; jobs may use it.", UploadShape)},
    refusals=(Conflict, Gone),
    example=Example(path={"upload_id": examples.COMPLETED_UPLOAD}),
)
def complete_upload(call: Call) -> Reply:
    """Check what arrived against what was announced; asking again changes nothing."""
    row = uploads.get(call.connection, call.path["upload_id"])
    if row["state"] == "completed":
        return Reply(_resource(call, row))
    if call.gathered is None:
        raise Conflict(f"The upload is {row['state']}.")
    sha256, size = call.gathered
    if size != row["bytes"]:
        raise Invalid(
            None, Violation("/bytes", f"{size} bytes arrived, {row['bytes']} were announced; send them again.")
        )
    if row["sha256"] not in {None, sha256}:
        raise Invalid(None, Violation("/sha256", f"the bytes have the digest {sha256}, another was announced."))
    done = uploads.finish(call.connection, row["id"], "completed", sha256)
    _record(call, "upload.completed", done)
    return Reply(_resource(call, done))


def _start(call: Call, prepared: Prepared) -> dict[str, Any]:
    return uploads.start(
        call.connection,
        call.org_id,
        filename=call.body["filename"],
        media_type=call.body["media_type"],
        size=call.body["bytes"],
        sha256=call.body["sha256"],
        by=call.caller.key_id,
        upload_id=prepared.upload_id,
        multipart_id=prepared.multipart_id,
    )


def _store_form(call: Call, prepared: Prepared) -> dict[str, Any]:
    file = call.file
    assert file is not None
    if file.fields["sha256"] not in {None, file.sha256}:
        raise Invalid(None, Violation("/sha256", f"the bytes have the digest {file.sha256}, another was announced."))
    row = uploads.start(
        call.connection,
        call.org_id,
        filename=file.filename,
        media_type=_media_type(file),
        size=file.bytes,
        sha256=file.sha256,
        by=call.caller.key_id,
        upload_id=prepared.upload_id,
    )
    return uploads.finish(call.connection, row["id"], "completed", file.sha256)


def _join(call: Call, row: dict[str, Any]) -> None:
    """Join a large upload's parts; those of one that is joined already are left alone."""
    parts = sorted(call.body["parts"], key=lambda part: part["number"])
    expected = len(uploads.parts_of(row["bytes"]))
    if [part["number"] for part in parts] != list(range(1, expected + 1)):
        raise Invalid(None, Violation("/parts", f"give number and etag of each of the {expected} parts, once."))
    files = call.services.files
    try:
        files.complete_multipart(call.org_id, row["key"], row["multipart_id"], [part["etag"] for part in parts])
    except NotFound:
        if files.head(row["key"]) is None:
            raise Conflict("The upload in parts is no longer under way; start a new one.") from None


def _resource(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    here = f"/v1/uploads/{row['id']}"
    request, parts = _requests(call, row) if row["state"] == "pending" else (None, None)
    names = ("id", "state", "filename", "media_type", "bytes", "sha256")
    return {
        **{name: row[name] for name in names},
        "created_at": moment(row["created_at"]),
        "expires_at": moment(row["expires_at"]) if row["state"] == "pending" else None,
        "completed_at": moment(row["completed_at"]),
        "method": request.method if request else None,
        "url": request.url if request else None,
        "headers": request.headers if request else None,
        "parts": parts,
        "links": {"self": here, "complete": f"{here}/complete"},
    }


def _requests(call: Call, row: dict[str, Any]) -> tuple[SignedRequest | None, list[dict[str, Any]] | None]:
    files = call.services.files
    if not row["multipart_id"]:
        return files.presign_put(call.org_id, row["key"], row["bytes"], row["media_type"], TTL_S), None
    parts = []
    for number, size in enumerate(uploads.parts_of(row["bytes"]), start=1):
        one = files.presign_part(call.org_id, row["key"], row["multipart_id"], number, size=size, ttl_s=TTL_S)
        parts.append({"number": number, "bytes": size, "method": one.method, "url": one.url, "headers": one.headers})
    return None, parts


def _media_type(file: forms.FormFile) -> str:
    return file.media_type if "/" in file.media_type else "application/octet-stream"


def _record(call: Call, action: str, row: dict[str, Any]) -> None:
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=row["id"],
        after={name: row[name] for name in ("filename", "bytes", "sha256", "state")},
    )
