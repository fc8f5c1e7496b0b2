"""No packet leaves: names resolve, by the test's own resolver, to loopback or are refused before a connection."""

import socket
import threading
import time

import pytest

from infra.outbound import ANSWER_MAX, CallFailed, Outbound, resolve
from tests.receiver import Receiver, answer, certificate


def loopback(_host, _port):
    return ["127.0.0.1"]


def call(receiver, *, url=None, **how):
    out = Outbound(**{"allow_private": True, "resolver": loopback, "total_s": 5, **how})
    return out.post(url or receiver.url, b'{"a":1}', {"webhook-id": "x"})


def test_the_host_header_keeps_the_name_and_the_connection_goes_to_the_vetted_number():
    with Receiver([answer(202, b"thanks", X_Y="z")]) as receiver:
        came = call(receiver, url=f"http://hooks.example.com:{receiver.port}/a?b=c")
    assert (came.status, came.body, came.headers["x-y"]) == (202, b"thanks", "z")
    (seen,) = receiver.received
    assert seen.line == "POST /a?b=c HTTP/1.1"
    assert seen.headers["host"] == f"hooks.example.com:{receiver.port}"
    assert seen.body == b'{"a":1}'
    assert "cookie" not in seen.headers


def test_a_name_with_a_private_address_is_refused_when_it_is_called():
    with Receiver() as receiver, pytest.raises(CallFailed, match="refused"):
        call(receiver, allow_private=False, url=f"http://hooks.example.com:{receiver.port}/")
    assert receiver.received == []


def test_a_name_is_resolved_once_so_a_second_answer_changes_nothing():
    answers = [["8.8.8.8", "127.0.0.1"], ["8.8.8.8"]]
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return answers[len(asked) - 1]

    with pytest.raises(CallFailed, match="refused"):
        call(None, allow_private=False, resolver=rebinding, url="https://hooks.example.com/")
    assert asked == ["hooks.example.com"]


def test_the_next_vetted_address_is_tried_when_one_refuses_the_connection():
    with Receiver() as receiver:
        came = call(
            receiver, resolver=lambda *_: ["127.0.0.2", "127.0.0.1"], url=f"http://two.example.com:{receiver.port}/"
        )
    assert came.status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status):
    with Receiver() as private, Receiver([answer(status, b"", Location=private.url)]) as receiver:
        assert call(receiver).status == status
        assert len(receiver.received) == 1
    assert private.received == []


def test_settings_of_the_environment_change_nothing(monkeypatch):
    with Receiver() as proxy, Receiver([answer(200, b"direct")]) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert call(receiver).body == b"direct"
    assert proxy.received == []


def drip_head(stream, over):
    stream.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.05):
        stream.sendall(b"a")


def drip_body(stream, over):
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not over.wait(0.05):
        stream.sendall(b"a")


def silence(_stream, over):
    over.wait(20)


@pytest.mark.parametrize("slow", [drip_head, drip_body, silence])
def test_a_receiver_that_drips_or_says_nothing_is_cut_off_in_time(slow):
    with Receiver([slow]) as receiver:
        began = time.monotonic()
        with pytest.raises(CallFailed, match="timeout"):
            call(receiver, total_s=0.6)
        assert time.monotonic() - began < 3


def flood(stream, over):
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    while not over.is_set():
        stream.sendall(b"a" * 65536)


def test_of_a_huge_answer_64_kb_are_read():
    with Receiver([flood]) as receiver:
        came = call(receiver)
    assert came.status == 200
    assert len(came.body) == ANSWER_MAX


def endless_headers(stream, over):
    stream.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        stream.sendall(b"X-Pad: " + b"a" * 4000 + b"\r\n")


def test_endless_headers_are_a_failure_and_soon():
    with Receiver([endless_headers]) as receiver:
        began = time.monotonic()
        with pytest.raises(CallFailed, match="broken"):
            call(receiver)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "reply", [b"", b"not http at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"]
)
def test_an_answer_that_breaks_off_or_is_none_is_broken(reply):
    with Receiver([reply]) as receiver, pytest.raises(CallFailed, match="broken"):
        call(receiver)


def test_a_compressed_answer_is_kept_as_it_came():
    bomb = b"\x1f\x8b\x08\x00bomb"
    with Receiver([answer(200, bomb, Content_Encoding="gzip")]) as receiver:
        assert call(receiver).body == bomb


def test_nobody_listens():
    with Receiver() as receiver:
        pass
    with pytest.raises(CallFailed, match="connect"):
        call(receiver)


def test_a_name_that_does_not_resolve():
    def no_such_name(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(CallFailed, match="dns"):
        call(None, resolver=no_such_name, url="https://nowhere.example.com/")


def test_tls_checks_the_certificate_against_the_name_not_the_number(tmp_path):
    server, trusting = certificate(tmp_path, "hooks.example.com")
    with Receiver(tls=server) as receiver:
        good = f"https://hooks.example.com:{receiver.port}/"
        assert call(receiver, trust=trusting, url=good).status == 200
        for trust, url in [
            (trusting, f"https://other.example.com:{receiver.port}/"),
            (trusting, receiver.url),  # the number itself
            (None, good),  # self-signed: the public web does not trust it
        ]:
            with pytest.raises(CallFailed, match="tls"):
                call(receiver, trust=trust, url=url)
    assert len(receiver.received) == 1


def test_an_expired_certificate_is_refused(tmp_path):
    server, trusting = certificate(tmp_path, "hooks.example.com", days=-1)
    with Receiver(tls=server) as receiver, pytest.raises(CallFailed, match="tls"):
        call(receiver, trust=trusting, url=f"https://hooks.example.com:{receiver.port}/")


def test_the_systems_resolver_is_asked_in_the_end():
    assert set(resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


def test_a_resolver_that_does_not_answer_is_not_waited_for_without_end(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    with pytest.raises(TimeoutError):
        resolve("nowhere.example.com", 443, within_s=0.05)
    over.set()
