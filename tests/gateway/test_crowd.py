"""Many programs at once, at quotas that do not suffice for all."""

from concurrent.futures import ThreadPoolExecutor

from quotas.models import Usage

from .conftest import Sapi, eventually

CLIENTS, JOBS, FITTING = 12, 8, 10


def test_quotas_hold_exactly(dwave, bobs, alices, bob, assign, job, reconciled, booked, ran):
    bobs.run(job(num_reads=5))
    cost_ns = Usage.objects.get().estimate_ns
    dwave.configure(paused=True)
    group, user = assign(None, FITTING * cost_ns), assign(bob, FITTING * cost_ns // 2)
    already_ran = ran()

    def send(client):
        items = client.submit(*(job(num_reads=5) for _ in range(JOBS)))
        return [item["id"] for item in items if "id" in item]

    clients = [Sapi(original.endpoint, original.key) for original in (bobs, alices) for _ in range(CLIENTS // 2)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        accepted = [problem_id for ids in pool.map(send, clients) for problem_id in ids]
    for client in clients:
        client.session.close()

    assert len(accepted) == len(dwave.problems()) - 1 == FITTING
    assert Usage.objects.filter(user_id=bob.user_id, status="reserved").count() <= FITTING // 2
    dwave.configure(paused=False)
    eventually(lambda: all(problem["status"] == "COMPLETED" for problem in dwave.problems()))
    reconciled()
    assert booked() == ran()
    group.refresh_from_db()
    user.refresh_from_db()
    assert (group.used_ns, group.reserved_ns, user.reserved_ns) == (ran() - already_ran, 0, 0)
