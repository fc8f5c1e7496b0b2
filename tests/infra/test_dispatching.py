from infra import dispatching
from infra.scaling import GUESS_S


def cap(desk, settings):
    with desk.database.system() as connection:
        connection.execute("UPDATE orgs SET settings = %s WHERE id = %s", [settings, desk.org_id])


def admitted(desk, room=10):
    return [row["id"] for row in desk.admit(room)]


def test_jobs_are_admitted_in_order_with_a_token_each_and_once(desk):
    ids = desk.put(count=3)
    rows = desk.admit(2)
    assert [row["id"] for row in rows] == ids[:2]
    assert len({row["token"] for row in rows}) == 2
    assert admitted(desk) == ids[2:]
    assert admitted(desk) == []


def test_priority_moves_a_job_and_waiting_ages_it(desk):
    low, normal, high = (desk.put(priority=priority)[0] for priority in ("low", "normal", "high"))
    old = desk.put(due_in_s=-11 * 60)[0]  # has waited longer than a high priority is worth
    old_low = desk.put(priority="low", due_in_s=-42 * 60)[0]
    assert admitted(desk) == [old_low, old, high, normal, low]


def test_a_job_that_is_not_due_is_not_admitted(desk):
    desk.put(priority="high", due_in_s=60)
    assert admitted(desk) == []


def test_a_cap_counts_live_rows_and_frees_itself(desk):
    cap(desk, '{"max_running": 2}')
    ids = desk.put(count=4)
    rows = desk.admit()
    assert [row["id"] for row in rows] == ids[:2]
    held = desk.claim(rows[0]["id"], rows[0]["token"])
    assert admitted(desk) == []
    desk.move(held["id"], "failed")
    assert admitted(desk) == ids[2:3]


def test_a_cap_may_be_set_for_one_queue(desk):
    cap(desk, f'{{"max_running": {{"{desk.queue}": 1}}}}')
    desk.put(count=3)
    desk.put(count=3, queue=f"{desk.queue}-x")
    assert len(admitted(desk)) == 1
    assert len(desk.admit(10, f"{desk.queue}-x")) == 3


def test_a_flood_of_one_organisation_does_not_delay_another(desk, other_desk):
    other_desk.queue = desk.queue
    desk.put(count=200)
    desk.admit(4)
    late = other_desk.put()
    assert late[0] in admitted(desk, 1)


def test_shares_follow_the_weights(desk, other_desk):
    other_desk.queue = desk.queue
    with desk.database.system() as connection:
        connection.execute("UPDATE orgs SET weight = 3 WHERE id = %s", [other_desk.org_id])
    desk.put(count=50)
    other_desk.put(count=50)
    owners = [row["org_id"] for row in desk.admit(20)]
    assert (owners.count(desk.org_id), owners.count(other_desk.org_id)) == (5, 15)


def test_demand_leaves_out_what_a_cap_forbids_and_what_is_not_due(desk):
    cap(desk, '{"max_running": 3}')
    desk.put(count=10)
    desk.put(due_in_s=60)
    (first, *_) = desk.admit(2)
    desk.claim(first["id"], first["token"])
    with desk.database.system() as connection:
        found = dispatching.demand(connection)[desk.queue]
    assert (found["running"], found["dispatched"], found["ready"]) == (1, 1, 1)


def test_a_job_without_an_estimate_counts_for_a_guess_beside_those_with_one(desk, other_desk):
    other_desk.queue = desk.queue
    desk.put(count=2)
    known = other_desk.put()
    with desk.database.system() as connection:
        assert dispatching.demand(connection)[desk.queue]["work_s"] is None
        connection.execute("UPDATE jobs SET est_seconds = 4 WHERE id = %s", known)
        assert dispatching.demand(connection)[desk.queue]["work_s"] == 4 + 2 * GUESS_S


def test_a_message_that_nobody_took_is_recalled_and_its_token_is_dead(desk):
    (job_id,) = desk.put()
    (row,) = desk.admit()
    with desk.database.system() as connection:
        assert dispatching.recall(connection, desk.queue, older_than_s=60) == 0
        assert dispatching.recall(connection, desk.queue, older_than_s=0) == 1
    assert desk.claim(job_id, row["token"]) is None
    assert admitted(desk) == [job_id]


def test_what_could_not_be_sent_is_admitted_anew(desk):
    (job_id,) = desk.put()
    (row,) = desk.admit()
    with desk.database.system() as connection:
        dispatching.unring(connection, [row["token"]])
    assert admitted(desk) == [job_id]


def test_there_is_room_for_the_slots_of_workers_heard_of_lately_and_staying(desk):
    def worker(name, seconds_ago, *, stopping=False):
        return [f"{desk.queue}-{name}", desk.queue, seconds_ago, stopping]

    with desk.database.system() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO workers (id, queue, host, pid, slots, build, seen_at, stopping) "
            "VALUES (%s, %s, 'h', 1, 2, 'b', now() - make_interval(secs => %s), %s)",
            [worker("a", 0), worker("b", 60), worker("c", 0, stopping=True)],
        )
        assert dispatching.room(connection, desk.queue, backlog=3, silent_s=10) == 6
    desk.put(count=2)
    desk.admit()
    with desk.database.system() as connection:
        assert dispatching.room(connection, desk.queue, backlog=3, silent_s=10) == 4


def test_a_queue_without_workers_has_room_for_the_first_ones(desk):
    with desk.database.system() as connection:
        assert dispatching.room(connection, desk.queue, backlog=2, silent_s=10) == 2


def test_a_missed_deadline_is_found(desk):
    (job_id,) = desk.put()
    with desk.database.system() as connection:
        connection.execute("UPDATE jobs SET deadline_at = now() - interval '1 s' WHERE id = %s", [job_id])
        assert job_id in {row["id"] for row in dispatching.past_deadline(connection)}
