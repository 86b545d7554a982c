"""The organization's token never passes, however D-Wave's answer is cut into pieces."""

import asyncio

import pytest

from gateway.redaction import Redaction

SECRET = 'DEV-canary-"quoted"-0123456789'
AS_JSON = SECRET.replace('"', '\\"')


async def pieces_of(body, size):
    for start in range(0, len(body), size):
        yield body[start : start + size]


def streamed(body, size):
    async def collect():
        return b"".join([piece async for piece in Redaction([SECRET]).apply_to_stream(pieces_of(body, size))])

    return asyncio.run(collect())


@pytest.mark.parametrize("form", [SECRET, AS_JSON])
@pytest.mark.parametrize("size", [1, 2, 7, len(SECRET), 64, 1000])
def test_a_secret_is_hidden_wherever_pieces_end(form, size):
    body = b"before " + form.encode() + b" between " + form.encode() * 2 + b" after"

    assert streamed(body, size) == b"before [hidden] between [hidden][hidden] after"


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 4, SECRET[:-1].encode()])
def test_all_else_stays_as_it_is(body, size):
    assert streamed(body, size) == body


def test_what_is_too_short_for_a_token_is_not_looked_for():
    assert Redaction(["a"]).apply(b"banana") == b"banana"
