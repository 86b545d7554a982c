"""Solve a model here, for nothing; runs in an environment with a luna-quantum of former years.

usage: LUNA_BASE_URL=... python solve_old_sdk.py KEY
"""

import sys

from luna_quantum import LunaSolve, Model
from luna_quantum.algorithms import SimulatedAnnealing


def main(key):
    luna = LunaSolve(api_key=key)
    model = Model("tour-old-sdk")
    one, other = model.add_variable("one"), model.add_variable("other")
    model.objective = -5 * one - other + 3 * one * other
    job = SimulatedAnnealing(num_reads=20).run(model, client=luna)
    solution = job.result(client=luna)
    assert solution is not None, f"{job.status}: {job.error_message}"
    assert min(result.obj_value for result in solution.results) == -5


main(*sys.argv[1:])
