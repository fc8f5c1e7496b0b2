import os
import signal
import sys
import time

import pytest

from infra import processes


def start(tmp_path, code, **options):
    return processes.start(
        "Child", [sys.executable, "-c", code], log=tmp_path / "child.log", env=dict(os.environ), cwd=tmp_path, **options
    )


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_what_is_given_is_read_and_what_is_said_is_logged(tmp_path):
    child = start(tmp_path, "print(input()[::-1])", given=b"abc\n")
    until(lambda: not child.alive())
    assert child.last_words() == "cba"


def test_a_child_that_ignores_the_request_is_ended_with_all_its_group(tmp_path):
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "own = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "print(own.pid, flush=True)\n"
        "time.sleep(300)\n"
    )
    child = start(tmp_path, code)
    until(lambda: child.last_words().isdecimal())
    grandchild = int(child.last_words())
    child.stop(grace_s=0.2)
    assert not child.alive()
    until(lambda: not processes.works_in(grandchild, tmp_path))


def test_a_child_that_ends_at_its_start_is_told_with_its_last_words(tmp_path):
    child = start(tmp_path, "raise SystemExit('no room')")
    with pytest.raises(processes.ProcessFault, match="no room"):
        processes.wait_until(lambda: False, child)


def test_a_child_that_never_answers_is_told(tmp_path):
    child = start(tmp_path, "import time; time.sleep(300)")
    with pytest.raises(processes.ProcessFault, match="did not answer"):
        processes.wait_until(lambda: False, child, within_s=0.1)
    child.stop()


def test_a_program_that_is_not_there_is_told(tmp_path):
    child = processes.start("Ghost", [tmp_path / "ghost"], log=tmp_path / "child.log", env={})
    with pytest.raises(processes.ProcessFault, match=r"Can't start .*ghost"):
        processes.wait_until(lambda: False, child)


def test_a_leftover_is_stopped_only_if_it_works_in_the_folder(tmp_path):
    inside = start(tmp_path, "import time; time.sleep(300)")
    (tmp_path / "pid").write_text(str(inside.pid))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    processes.stop_leftover(tmp_path / "pid", elsewhere)
    assert inside.alive()
    (tmp_path / "pid").write_text(str(inside.pid))
    inside_pid = inside.pid
    os.kill(inside_pid, signal.SIGSTOP)  # not even then may the wait be for ever
    os.kill(inside_pid, signal.SIGCONT)
    processes.stop_leftover(tmp_path / "pid", tmp_path)
    assert not inside.alive()
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize("content", ["", "nonsense", "-1", "999999999"])
def test_a_useless_pid_file_is_removed(tmp_path, content):
    (tmp_path / "pid").write_text(content)
    processes.stop_leftover(tmp_path / "pid", tmp_path)
    assert not (tmp_path / "pid").exists()


def test_a_wanted_port_is_kept_if_free():
    port = processes.free_port()
    assert processes.free_port(port) == port
