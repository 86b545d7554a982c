"""Clients that send the same request over and over, each on a connection of its own, as soon as the answer is there."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self, host: str) -> bytes:
        headers = {"Host": host, **self.headers, "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Connection:
    """One client's connection; any answer but 200 ends the measurement."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self.reader = reader
        self.writer = writer
        self.host = host

    @classmethod
    async def open(cls, address: str) -> "Connection":
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port), parts.netloc)

    async def answer_to(self, request: Request) -> bytes:
        self.writer.write(request.encoded(self.host))
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        body = await self.reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        if not head.startswith(b"http/1.1 200 ") or b'"error_code"' in body:
            raise SystemExit(f"{request.method} {request.path} is answered by {head!r} {body!r}.")
        return body


async def one_answer(address: str, request: Request) -> bytes:
    connection = await Connection.open(address)
    try:
        return await connection.answer_to(request)
    finally:
        connection.writer.close()


async def load(address: str, request: Request, *, clients: int, seconds: float) -> int:
    """How many answers so many clients got in that time."""
    until = time.monotonic() + seconds

    async def ask() -> int:
        connection, answers = await Connection.open(address), 0
        while time.monotonic() < until:
            await connection.answer_to(request)
            answers += 1
        connection.writer.close()
        return answers

    return sum(await asyncio.gather(*(ask() for _ in range(clients))))


async def together(address: str, requests: Iterable[Request]) -> list[bytes]:
    """The answers to requests that are all open at once."""
    return await asyncio.gather(*(one_answer(address, request) for request in requests))
