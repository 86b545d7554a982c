"""Bodies that anybody may have sent."""

import asyncio
import zlib

import pytest
from starlette.requests import Request

from gateway import wire
from gateway.wire import HeldBody, Memory, Refusal, inflate, is_plain, parse, read_body, read_json


def request(*chunks, encoding=None):
    headers = [] if encoding is None else [(b"content-encoding", encoding.encode())]
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(*chunks, **options):
    return asyncio.run(read_body(request(*chunks, **options), HeldBody(Memory(10**9), 1)))


def refusal_of(function, *args, **kwargs):
    with pytest.raises(Refusal) as caught:
        function(*args, **kwargs)
    return caught.value.status


class TestBodies:
    def test_they_come_in_pieces(self):
        assert read(b"[", b"", b"1]") == b"[1]"

    def test_they_may_be_compressed(self):
        assert read(zlib.compress(b"[1]"), encoding="Deflate") == b"[1]"

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, deflate", ""])
    def test_but_not_in_another_way(self, encoding):
        assert refusal_of(read, b"[1]", encoding=encoding) == 415

    def test_they_are_not_endless(self, monkeypatch):
        monkeypatch.setattr(wire, "MAX_BODY_BYTES", 10)

        assert read(b"x" * 10) == b"x" * 10
        assert refusal_of(read, b"x" * 6, b"x" * 6) == 413


class TestMemory:
    """What all bodies of a process take together."""

    @pytest.fixture
    def memory(self):
        return Memory(200)

    def test_bodies_count_until_nobody_holds_them(self, memory):
        body = HeldBody(memory, 1)

        with body:
            with body:
                asyncio.run(read_body(request(b"x" * 60), body))
            assert memory.free_bytes == 140
        assert memory.free_bytes == 200

    def test_they_count_as_long_as_they_are_unfolded(self, memory):
        body = HeldBody(memory, 1)

        with body:
            asyncio.run(read_body(request(zlib.compress(b"x" * 90), encoding="deflate"), body))
            assert memory.free_bytes == 110

    @pytest.mark.parametrize(
        "large", [request(b"x" * 20, b"x" * 21), request(zlib.compress(b"x" * 41), encoding="deflate")]
    )
    def test_what_does_not_fit_is_to_come_again(self, memory, large):
        first, second, third = (HeldBody(memory, member_id) for member_id in (1, 2, 3))

        with first, second:
            first.grow(100)
            second.grow(60)
            with pytest.raises(Refusal) as caught, third:
                asyncio.run(read_body(large, third))
            assert memory.free_bytes == 40

        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "2"})
        assert memory.free_bytes == 200

    def test_one_member_leaves_half_of_it_to_the_others(self, memory):
        first, second, others = HeldBody(memory, 1), HeldBody(memory, 1), HeldBody(memory, 2)

        with first, others:
            first.grow(60)
            with pytest.raises(Refusal, match="as much as one member's may") as caught, second:
                second.grow(41)
            others.grow(100)

        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "2"})
        assert (memory.free_bytes, memory.taken) == (200, {})

    def test_json_counts_as_what_it_becomes(self, monkeypatch):
        monkeypatch.setattr(wire, "VALUE_BYTES", 10)
        memory = Memory(180)
        body = HeldBody(memory, 1)

        with body:
            assert asyncio.run(read_json(request(b"[[],{}]"), body)) == [[], {}]
            assert memory.free_bytes == 180 - 7 - 4 * 10

            with pytest.raises(Refusal) as caught:
                asyncio.run(read_json(request(b"[1,2,3,4]"), body))
        assert caught.value.status == 503


class TestInflating:
    def test_a_bomb_does_not_go_off(self, monkeypatch):
        monkeypatch.setattr(wire, "MAX_BODY_BYTES", 1000)

        assert inflate(zlib.compress(b"x" * 1000)) == b"x" * 1000
        assert refusal_of(inflate, zlib.compress(b"x" * 1001)) == 413
        assert refusal_of(inflate, zlib.compress(b"\0" * 10**8)) == 413

    @pytest.mark.parametrize("body", [b"", b"x", zlib.compress(b"[1]")[:-1], zlib.compress(bytes(range(256)))[:20]])
    def test_it_refuses_what_is_cut_off_or_nothing(self, body):
        assert refusal_of(inflate, body) == 400


class TestParsing:
    @pytest.mark.parametrize(
        "body", [b"", b"{", b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"\xff", b'"\\ud800"', b"[" * 9999]
    )
    def test_it_is_strict(self, body):
        assert refusal_of(parse, body) == 400

    def test_of_names_that_come_twice_the_last_counts_and_is_all_that_goes_on(self):
        assert parse(b'{"num_reads": 1, "num_reads": 2}') == {"num_reads": 2}


@pytest.mark.parametrize("name", ["a", "Advantage_system4.1", "14dc9784-15a2-4b3c-b074-8d73435c7077", "x" * 100])
def test_plain_names(name):
    assert is_plain(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a%2Fb", "a?b", "a#b", "a b", "a\n", "\0", "é", "x" * 101, 7, None]
)
def test_names_that_are_not_plain(name):
    assert not is_plain(name)
