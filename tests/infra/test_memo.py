from infra import memo
from infra.canonical import canonical

REF = {"job": "job_1", "artifact": "scores"}


def digest_of(ref, sha256, **entry):
    found = {canonical(ref): {"ref": "somewhere", "sha256": sha256, **entry}}
    return memo.input_digest("factors", {"prices": ref, "n": 1, "deep": [{"again": ref}]}, found, "v1")


def test_a_reference_counts_as_the_content_it_points_at():
    assert digest_of(REF, "aa") == digest_of("ds_1", "aa")
    assert digest_of(REF, "aa") != digest_of(REF, "bb")
    assert digest_of(REF, "aa", type="prices") != digest_of(REF, "aa", type="fundamentals")
    assert digest_of("upl_1", "aa", filename="a.csv") != digest_of("upl_1", "aa", filename="a.parquet")


def test_kind_parameters_and_code_all_count():
    base = memo.input_digest("factors", {"n": 1}, {}, "v1")
    assert base != memo.input_digest("backtest", {"n": 1}, {}, "v1")
    assert base != memo.input_digest("factors", {"n": 2}, {}, "v1")
    assert base != memo.input_digest("factors", {"n": 1}, {}, "v2")


def test_an_exported_job_counts_with_its_id():
    assert digest_of("job_1", "aa", type="job") == digest_of("job_1", "aa", type="job")
    other = {canonical("job_1"): {"ref": "elsewhere", "sha256": "aa", "type": "job"}}
    mine = {canonical("job_1"): {"ref": "somewhere", "sha256": "aa", "type": "job"}}
    digests = {memo.input_digest("export", {"sources": ["job_1"]}, found, "v1") for found in (mine, other)}
    assert len(digests) == 2


def test_the_code_version_is_one_for_a_process_and_covers_what_computes():
    assert memo.code_version() == memo.code_version()
    assert len(memo.code_version()) == 64


def test_a_result_is_not_repeated_when_its_effect_was_overtaken(desk, scored, dataset):
    row = desk.submit(scored, cache="off")
    desk.move(row["id"], "succeeded")
    with desk.database.org(desk.org_id) as connection:
        connection.execute(
            "INSERT INTO dataset_versions SELECT org_id, dataset_id, 3, %s, artifact, sha256, bytes, key, rows, "
            "symbols, start_date, end_date, schema, health FROM dataset_versions WHERE version = 2",
            [row["id"]],
        )
        assert memo.lookup(connection, row["input_digest"]) is None
        connection.execute("UPDATE datasets SET current_version = 3")
        assert memo.lookup(connection, row["input_digest"])["id"] == row["id"]


def test_a_result_is_not_repeated_when_its_files_are_gone(desk, scored):
    row = desk.submit(scored)
    desk.move(row["id"], "succeeded")
    desk.artifact(row["id"], "scores")
    with desk.database.org(desk.org_id) as connection:
        assert memo.lookup(connection, row["input_digest"])["id"] == row["id"]
        connection.execute("UPDATE artifacts SET deleted_at = now()")
        assert memo.lookup(connection, row["input_digest"]) is None
