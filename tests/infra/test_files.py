import hashlib
import urllib.error
import urllib.request
import uuid

import httpx
import pytest

from infra.files import Files, check_key, disposition, safe_name
from tasks.errors import IntegrityFault, NotFound, Unavailable


@pytest.fixture
def org_id():
    return f"org_{uuid.uuid4()}"


@pytest.fixture
def stored(files, org_id, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes(b"date,symbol\n")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    key = f"orgs/{org_id}/jobs/job_1/1/prices.csv"
    files.put(key, path, "text/csv", sha256)
    return key, sha256


def test_what_is_put_is_fetched(files, stored, tmp_path):
    key, sha256 = stored
    files.fetch(key, tmp_path / "back", sha256)
    assert (tmp_path / "back").read_bytes() == b"date,symbol\n"
    assert files.head(key).bytes == 12
    assert files.head(key).media_type == "text/csv"
    assert files.digest(key) == (sha256, 12)


def test_swapped_bytes_are_refused_and_leave_no_file(files, stored, servers, tmp_path):
    key, sha256 = stored
    (servers.data_dir / "s3" / "objects" / "floor" / key).write_bytes(b"date,symboL\n")
    with pytest.raises(IntegrityFault):
        files.fetch(key, tmp_path / "back", sha256)
    assert not (tmp_path / "back").exists()


def test_a_file_that_changed_before_it_was_stored_is_refused(files, org_id, tmp_path):
    (tmp_path / "x").write_bytes(b"other")
    with pytest.raises(IntegrityFault):
        files.put(f"orgs/{org_id}/x", tmp_path / "x", "text/plain", "0" * 64)
    assert files.head(f"orgs/{org_id}/x") is None


def test_absent_and_deleted(files, stored, org_id, tmp_path):
    key, sha256 = stored
    files.delete(key)
    files.delete(key)
    assert files.head(key) is None
    with pytest.raises(NotFound):
        files.fetch(key, tmp_path / "back", sha256)


def test_a_signed_download_needs_nothing_else_and_has_a_file_name(files, stored, org_id):
    key, _ = stored
    answer = httpx.get(files.presign_get(org_id, key, "Übersicht 1.csv", "text/csv", 60))
    assert answer.content == b"date,symbol\n"
    assert answer.headers["content-disposition"] == disposition("Übersicht 1.csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "text/csv"


@pytest.mark.parametrize(
    "change", ["X-Amz-Expires=60->X-Amz-Expires=6000", "prices.csv?->other.csv?", "text%2Fcsv->text%2Fhtml"]
)
def test_a_changed_signed_download_is_refused(files, stored, org_id, change):
    key, _ = stored
    old, new = change.split("->")
    url = files.presign_get(org_id, key, "p.csv", "text/csv", 60)
    assert "X-Amz-Signature" in url
    assert old in url
    assert httpx.get(url.replace(old, new)).status_code in {400, 403}
    assert httpx.delete(url).status_code in {400, 403}


def test_a_signed_upload_takes_exactly_what_was_declared(files, org_id):
    key = f"orgs/{org_id}/uploads/upl_1/a.csv"
    asked = files.presign_put(org_id, key, 5, "text/csv", 60)
    assert httpx.put(asked.url, content=b"123456", headers={"Content-Type": "text/csv"}).status_code == 403
    assert httpx.put(asked.url, content=b"12345", headers={"Content-Type": "text/html"}).status_code == 403
    assert files.head(key) is None
    assert httpx.request(asked.method, asked.url, content=b"12345", headers=asked.headers).status_code == 200
    assert files.head(key).bytes == 5


def test_an_upload_in_parts(files, org_id):
    key = f"orgs/{org_id}/uploads/upl_2/a.bin"
    parts = [b"a" * (5 << 20), b"end"]
    multipart = files.start_multipart(org_id, key, "application/octet-stream")
    etags = []
    for number, part in enumerate(parts, start=1):
        asked = files.presign_part(org_id, key, multipart, number, size=len(part), ttl_s=60)
        etags.append(httpx.put(asked.url, content=part).headers["etag"])
    files.complete_multipart(org_id, key, multipart, etags)
    assert files.digest(key) == (hashlib.sha256(b"".join(parts)).hexdigest(), (5 << 20) + 3)
    with pytest.raises(NotFound):
        files.complete_multipart(org_id, key, "not-under-way", etags)


def test_an_upload_in_parts_given_up(files, org_id):
    key = f"orgs/{org_id}/uploads/upl_3/a.bin"
    multipart = files.start_multipart(org_id, key, "application/octet-stream")
    files.abort_multipart(org_id, key, multipart)
    files.abort_multipart(org_id, key, multipart)
    assert files.head(key) is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "orgs/org_a",
        "/orgs/org_a/x",
        "orgs//org_a/x",
        "orgs/org_a//x",
        "orgs/org_a/../org_b/x",
        "orgs/org_a/./x",
        "orgs/org_a/%2e%2e/x",
        "orgs/org_a/x\n",
        "orgs/org_a/x y",
        "orgs/org_a/․․/x",
        "orgs/org_b/x",
        "orgs/org_ab/x",
    ],
)
def test_a_key_of_another_organisation_or_of_none_is_never_signed(files, key):
    for sign in (
        lambda: files.presign_get("org_a", key, "x", "text/csv", 60),
        lambda: files.presign_put("org_a", key, 1, "text/csv", 60),
        lambda: files.start_multipart("org_a", key, "text/csv"),
        lambda: files.presign_part("org_a", key, "m", 1, size=1, ttl_s=60),
        lambda: files.complete_multipart("org_a", key, "m", []),
        lambda: files.abort_multipart("org_a", key, "m"),
    ):
        with pytest.raises(ValueError, match="is not a key of"):
            sign()


@pytest.mark.parametrize("ttl_s", [0, -1, 604_801])
def test_a_signed_address_lives_a_week_at_most(files, ttl_s):
    with pytest.raises(ValueError, match="lives"):
        files.presign_get("org_a", "orgs/org_a/x", "x", "text/csv", ttl_s)


def test_an_expired_address_is_refused(files, stored, org_id):
    key, _ = stored
    url = files.presign_get(org_id, key, "x", "text/csv", 1)
    status = 200
    deadline = 100
    while status == 200 and deadline:
        status, deadline = _status(url), deadline - 1
    assert status in {400, 403}


def _status(url):
    import time

    time.sleep(0.05)  # a bounded poll: the address dies by the clock alone
    try:
        return urllib.request.urlopen(url).status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("prices.csv", "prices.csv"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("Kurse März.csv", "Kurse_M_rz.csv"),
        ("...", "file"),
        ("", "file"),
        ("a" * 300 + ".csv", "a" * 96 + ".csv"),
    ],
)
def test_safe_names_fit_a_key(given, kept):
    assert safe_name(given) == kept
    check_key(f"orgs/org_a/uploads/upl_1/{safe_name(given)}", "org_a")


def test_a_store_that_is_away_is_unavailable(settings):
    import dataclasses

    away = Files(
        dataclasses.replace(settings, s3_endpoint="http://127.0.0.1:9", s3_public_endpoint="http://127.0.0.1:9")
    )
    with pytest.raises(Unavailable):
        away.ping()


def test_a_wrong_credential_is_unavailable_and_not_absent(settings):
    import dataclasses

    stranger = Files(dataclasses.replace(settings, s3_secret_key="wrong" * 8))
    with pytest.raises(Unavailable):
        stranger.head("orgs/org_a/x")


def test_the_bucket_is_made_once(settings):
    import dataclasses

    other = Files(dataclasses.replace(settings, s3_bucket="another"))
    other.ensure_bucket()
    other.ensure_bucket()
    other.ping()
