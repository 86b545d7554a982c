"""Solve a model with D-Wave's hybrid solvers; runs in an environment with a luna-quantum of today.

usage: LUNA_BASE_URL=... python solve_hybrid.py KEY DWAVE_TOKEN
"""

import os
import sys

from luna_quantum import LunaSolve, Model, Sense
from luna_quantum.algorithms import LeapHybridBqm, LeapHybridCqm
from luna_quantum.backends import DWaveQpu


def knapsack():
    """Its maximum is 13."""
    model = Model("tour-hybrid", sense=Sense.MAX)
    things = [model.add_variable(f"v{i}") for i in range(5)]
    model.objective = sum((i + 3) * thing for i, thing in enumerate(things))
    model.constraints += sum((i + 1) * thing for i, thing in enumerate(things)) <= 7
    return model


def best_of(algorithm, luna, backend):
    job = algorithm.run(knapsack(), client=luna, backend=backend)
    solution = job.result(client=luna, sleep_time_max=1)
    assert solution is not None, f"{algorithm.algorithm_name}: {job.status} {job.error_message}"
    assert solution.runtime.total >= 1, solution.runtime
    return max(result.obj_value for result in solution.results if result.feasible)


def main(key, token):
    luna = LunaSolve(api_key=key)
    offered = luna.info.solvers_available()["dwave"]
    for algorithm in (LeapHybridBqm(time_limit=2), LeapHybridCqm(spin_variables=["v0"])):
        assert algorithm.algorithm_name in offered, offered
        assert best_of(algorithm, luna, DWaveQpu(token=token)) == 13
    os.environ["LUNA_DWAVE_TOKEN"] = token
    for algorithm in (LeapHybridBqm(), LeapHybridCqm()):
        assert best_of(algorithm, luna, None) == 13


main(*sys.argv[1:])
