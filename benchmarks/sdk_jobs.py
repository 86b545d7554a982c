"""One process with the Luna SDK, in whose environment it runs: LUNA_BASE_URL=... python sdk_jobs.py API_KEY.

It reads lines `SOLVER VARIABLES PAUSE`, solves a model and answers its seconds from `run` to `result`. PAUSE is how
many seconds pass between two looks at the job, or `sdk` for the SDK's own half second that doubles.
"""

import logging
import sys
import time

from graphs import ring
from luna_quantum import LunaSolve, Model
from luna_quantum.algorithms import QuantumAnnealing, SimulatedAnnealing
from luna_quantum.backends import DWave, DWaveQpu
from luna_quantum.client.schemas.qpu_token.qpu_token import GroupQpuToken

READS = 100


def model_of(variables: int) -> Model:
    linear, quadratic = ring(variables)
    model = Model(f"ring of {variables}")
    x = [model.add_variable(f"x{number}") for number in range(variables)]
    terms = [weight * x[number] for number, weight in enumerate(linear)]
    model.objective = sum(terms + [weight * x[a] * x[b] for (a, b), weight in quadratic.items()])
    return model


def seconds(client: LunaSolve, solver: str, variables: int, pause: str) -> float:
    model = model_of(variables)
    waits = {} if pause == "sdk" else {"sleep_time_initial": float(pause), "backoff_factor": 1.0}
    started = time.monotonic()
    if solver == "QA":
        backend = DWaveQpu(token=GroupQpuToken(name="lab"))
        job = QuantumAnnealing(num_reads=READS).run(model, backend=backend, client=client)
    else:
        job = SimulatedAnnealing(num_reads=READS).run(model, backend=DWave(), client=client)
    solution = job.result(client=client, **waits)
    passed = time.monotonic() - started
    if solution is None or sum(solution.counts) != READS:
        raise SystemExit(f"No solution: {job.error_message}")
    return passed


if __name__ == "__main__":
    logging.disable()  # the SDK logs on standard output
    client = LunaSolve(api_key=sys.argv[1])
    for line in sys.stdin:
        solver, variables, pause = line.split()
        print(seconds(client, solver, int(variables), pause), flush=True)
