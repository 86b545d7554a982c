"""A D-Wave that answers at once and always the same, so that only what stands before it is measured.

Polls that ask for more than a second are held so long and bring nothing new.
"""

import asyncio
import re
import sys
from itertools import count

import orjson
from dwave.cloud.testing.mocks import qpu_problem_timing_data

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
POLL = re.compile(r"/sapi/v2/problems/\?id=(?P<id>[\w-]+)&timeout=(?P<seconds>\d+)")
PROBLEM = re.compile(r"/sapi/v2/problems/(?P<id>[\w-]+)/?")
SOLVER = {"name": "Advantage_benchmark1.1", "version": {"graph_id": "benchmark"}}
QUBITS = 5640
PROPERTIES = {
    "num_reads_range": [1, 10_000],
    "problem_timing_data": qpu_problem_timing_data("advantage"),
    "qubits": list(range(QUBITS)),
    "quota_conversion_rate": 1,
    "supported_problem_types": ["ising", "qubo"],
}
ANSWER = {"format": "qp", "solutions": "A" * 2200, "timing": {"qpu_access_time": 15148.02}}  # 2.5 kB in all

ids = count(1)


class Sapi(asyncio.Protocol):
    """One connection. Requests come one after the other, with a length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not end or len(body) < int(length[1] if length else 0):
            return
        self.received = b""
        method, target = head.decode("latin-1").split(" ", 2)[:2]
        self.answer(method, target)

    def answer(self, method: str, target: str) -> None:
        if method == "POST":
            self.send("problems", [about(f"problem-{next(ids)}", "PENDING")])
        elif match := POLL.fullmatch(target):
            self.poll(match["id"], int(match["seconds"]))
        elif match := PROBLEM.fullmatch(target):
            self.send("problem", about(match["id"], "COMPLETED") | {"answer": ANSWER})
        else:
            self.send("solver-definition-list", [{"identity": SOLVER, "status": "ONLINE", "properties": PROPERTIES}])

    def poll(self, problem_id: str, seconds: int) -> None:
        if seconds == 1:
            self.send("problems", [about(problem_id, "COMPLETED")])
        else:
            asyncio.get_running_loop().call_later(seconds, self.send, "problems", [about(problem_id, "PENDING")])

    def send(self, kind: str, words: object) -> None:
        body = orjson.dumps(words)
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.dwave.sapi.{kind}+json; version=3.0.0\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)


def about(problem_id: str, status: str) -> dict[str, object]:
    times = {"submitted_on": "2026-01-01T00:00:00.000000Z"}
    if status == "COMPLETED":
        times["solved_on"] = "2026-01-01T00:00:01.000000Z"
    return {"id": problem_id, "status": status, "type": "ising", "solver": SOLVER, **times}


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sapi, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
