"""The object store: any S3, through boto3. One prefix per organisation, every object's SHA-256 checked by us.

Does not trust the store's own checksums or preconditions: not every store keeps them. Never copies, and lists nothing
but what one attempt left.
"""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tasks.errors import IntegrityFault, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from infra.settings import Settings

KEY: Final = re.compile(r"orgs/[A-Za-z0-9_-]+(/[A-Za-z0-9._=@+-]+)+")
ATTEMPT: Final = re.compile(r"orgs/[A-Za-z0-9_-]+/jobs/[A-Za-z0-9_-]+/\d+/")
MAX_TTL_S: Final = 7 * 24 * 3600  # SigV4's own limit
CHUNK: Final = 1 << 20
AT_ONCE_MAX: Final = 4 << 20
ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})


@dataclass(frozen=True)
class Stored:
    """What the store says of an object."""

    bytes: int
    media_type: str


@dataclass(frozen=True)
class SignedRequest:
    """A request that anybody may send once given it: exactly this method, address and headers."""

    method: str
    url: str
    headers: dict[str, str]


class Files:
    """The files of all organisations; every key says whose it is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = settings.s3_bucket
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def ensure_bucket(self) -> None:
        """Make the bucket if it is not there yet; safe to call at once from several processes."""
        with _translated("The bucket"):
            try:
                self._client().head_bucket(Bucket=self._bucket)
            except self._client().exceptions.ClientError as error:
                if _code(error) not in ABSENT | {"NoSuchBucket"}:
                    raise
                self._make_bucket()

    def _make_bucket(self) -> None:
        region = self._settings.s3_region
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self._client().create_bucket(Bucket=self._bucket, **place)
        except self._client().exceptions.ClientError as error:
            if _code(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def ping(self) -> None:
        """Answer, or raise Unavailable."""
        with _translated("The bucket"):
            self._client().head_bucket(Bucket=self._bucket)

    def put(self, key: str, path: Path, media_type: str, sha256: str) -> None:
        """Store a local file under a key; raises IntegrityFault if the file is not what the digest says."""
        check_key(key)
        extra = {"ContentType": media_type, "Metadata": {"sha256": sha256}}
        if path.stat().st_size <= AT_ONCE_MAX:
            self._put_at_once(key, path.read_bytes(), sha256, extra)
        elif digest_file(path) == sha256:
            with _translated(key):
                self._client().upload_file(str(path), self._bucket, key, ExtraArgs=extra)
        else:
            raise _changed(key)

    def _put_at_once(self, key: str, content: bytes, sha256: str, extra: Mapping[str, Any]) -> None:
        """Store a small file in one request; the library's way for large ones starts threads for each."""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _changed(key)
        with _translated(key):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=content, **extra)

    def fetch(self, key: str, path: Path, sha256: str) -> None:
        """Bring an object to a local path; raises IntegrityFault, and leaves no file, if its bytes are others."""
        check_key(key)
        hasher = hashlib.sha256()
        with _translated(key):
            body = self._client().get_object(Bucket=self._bucket, Key=key)["Body"]
            with path.open("wb") as file:
                for chunk in body.iter_chunks(CHUNK):
                    hasher.update(chunk)
                    file.write(chunk)
        if hasher.hexdigest() != sha256:
            path.unlink()
            raise IntegrityFault(
                f"The stored bytes of {key} are not those that were written; nothing was done with them."
            )

    def digest(self, key: str) -> tuple[str, int]:
        """Return the SHA-256 and the size of an object's bytes as the store gives them now."""
        check_key(key)
        hasher, size = hashlib.sha256(), 0
        with _translated(key):
            for chunk in self._client().get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(CHUNK):
                hasher.update(chunk)
                size += len(chunk)
        return hasher.hexdigest(), size

    def head(self, key: str) -> Stored | None:
        """Return what is known of an object without reading it, or None if there is none."""
        check_key(key)
        with _translated(key):
            try:
                found = self._client().head_object(Bucket=self._bucket, Key=key)
            except self._client().exceptions.ClientError as error:
                if _code(error) in ABSENT:
                    return None
                raise
        return Stored(found["ContentLength"], found.get("ContentType", "application/octet-stream"))

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is fine."""
        check_key(key)
        with _translated(key):
            self._client().delete_object(Bucket=self._bucket, Key=key)

    def delete_below(self, org_id: str, prefix: str) -> int:
        """Delete what lies below one job's attempt, the only thing that is ever listed; returns how many objects."""
        check_key(prefix.rstrip("/"), org_id)
        if ATTEMPT.fullmatch(prefix) is None:
            raise ValueError(f"{prefix!r} is not the prefix of one attempt")
        with _translated(prefix):
            listed = self._client().list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
            for one in listed:
                self._client().delete_object(Bucket=self._bucket, Key=one["Key"])
        return len(listed)

    def presign_get(self, org_id: str, key: str, filename: str, media_type: str, ttl_s: int) -> str:
        """Return an address from which anybody can download the object under a file name until it expires."""
        check_key(key, org_id)
        asked = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": disposition(filename),
            "ResponseContentType": media_type,
        }
        url: str = self._client(public=True).generate_presigned_url("get_object", Params=asked, ExpiresIn=_ttl(ttl_s))
        return url

    def presign_put(self, org_id: str, key: str, size: int, media_type: str, ttl_s: int) -> SignedRequest:
        """Return the one request that stores so many bytes of that type under the key; any other is refused."""
        check_key(key, org_id)
        asked = {"Bucket": self._bucket, "Key": key, "ContentLength": size, "ContentType": media_type}
        url = self._client(public=True).generate_presigned_url("put_object", Params=asked, ExpiresIn=_ttl(ttl_s))
        return SignedRequest("PUT", url, {"Content-Type": media_type, "Content-Length": str(size)})

    def start_multipart(self, org_id: str, key: str, media_type: str) -> str:
        """Begin an upload in parts and return its id."""
        check_key(key, org_id)
        with _translated(key):
            begun = self._client().create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=media_type)
        return str(begun["UploadId"])

    def presign_part(
        self, org_id: str, key: str, multipart_id: str, number: int, *, size: int, ttl_s: int
    ) -> SignedRequest:
        """Return the one request that stores one part (numbered from 1) of so many bytes."""
        check_key(key, org_id)
        asked = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": multipart_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        url = self._client(public=True).generate_presigned_url("upload_part", Params=asked, ExpiresIn=_ttl(ttl_s))
        return SignedRequest("PUT", url, {"Content-Length": str(size)})

    def complete_multipart(self, org_id: str, key: str, multipart_id: str, etags: Sequence[str]) -> None:
        """Join the parts, whose ETags come in order; raises NotFound if the upload is not under way."""
        check_key(key, org_id)
        parts: list[Mapping[str, Any]] = [{"PartNumber": i, "ETag": etag} for i, etag in enumerate(etags, start=1)]
        with _translated(key):
            self._client().complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": parts}
            )

    def abort_multipart(self, org_id: str, key: str, multipart_id: str) -> None:
        """Give up an upload in parts; one that is not under way is fine."""
        check_key(key, org_id)
        with _translated(key):
            try:
                self._client().abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=multipart_id)
            except self._client().exceptions.ClientError as error:
                if _code(error) not in ABSENT:
                    raise

    def _client(self, *, public: bool = False) -> Any:
        """Return the client for our own use, or the one that signs for the address that callers reach the store at."""
        endpoint = self._settings.s3_public_endpoint if public else self._settings.s3_endpoint
        with self._making:
            if endpoint not in self._clients:
                self._clients[endpoint] = _connect(self._settings, endpoint)
            return self._clients[endpoint]


def _connect(settings: Settings, endpoint: str) -> Any:
    import boto3  # noqa: PLC0415 - a third of a second, paid by those who touch files
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        signature_version="s3v4",  # boto3 still signs addresses with version 2 unless told
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",  # other stores than Amazon's stumble over the new default
        response_checksum_validation="when_required",
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=32,
    )
    session = boto3.session.Session()
    return session.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        region_name=settings.s3_region,
        config=config,
    )


def check_key(key: str, org_id: str | None = None) -> None:
    """Refuse a key that is not plainly below its organisation's prefix; reaching this is a fault of ours."""
    parts = key.split("/")
    plain = KEY.fullmatch(key) is not None and not any(part in {"", ".", ".."} for part in parts)
    if not plain or (org_id is not None and parts[1] != org_id):
        raise ValueError(f"{key!r} is not a key of {org_id or 'any organisation'}")


def safe_name(filename: str) -> str:
    """Return a file name as it may stand in a key: its last 100 harmless characters, never empty, never dots only."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", filename).lstrip(".")[-100:] or "file"


def disposition(filename: str) -> str:
    """Return the header that makes a browser save under this name (RFC 6266: plain, and in UTF-8)."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a local file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _changed(key: str) -> IntegrityFault:
    return IntegrityFault(f"The file for {key} changed before it was stored.")


def _ttl(seconds: int) -> int:
    if not 1 <= seconds <= MAX_TTL_S:
        raise ValueError(f"a signed address lives 1 to {MAX_TTL_S} seconds, not {seconds}")
    return seconds


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the library's errors into ours: absent is NotFound, everything else is a store that is away."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - see _connect
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what a body broken off half way raises

    try:
        yield
    except ClientError as error:
        if _code(error) in ABSENT:
            raise NotFound(f"{what} is not in the object store.") from error
        raise Unavailable("The object store refuses just now; nothing was lost. Ask again in a moment.") from error
    except (Boto3Error, BotoCoreError, HTTPError) as error:
        raise Unavailable(
            "The object store does not answer just now; nothing was lost. Ask again in a moment."
        ) from error
