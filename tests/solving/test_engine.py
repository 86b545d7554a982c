"""The engine reads what anybody may have made, in processes that cannot harm anything."""

import asyncio
import itertools
import os
import random
import signal
from pathlib import Path

import pytest
from luna_model import Model, Sense, Solution, Vtype

from solving.engine.client import Engine
from solving.engine.errors import Refused

from .bombs import zstd_bomb
from .conftest import knapsack, small_model


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def engine(runner):
    async def started():
        return await Engine(memory_mb=300, seconds=10).__aenter__()

    engine = runner.run(started())
    yield engine
    engine.stop()


@pytest.fixture
def sample(runner, engine):
    """sample(data): the solution, and what is told of it."""

    def solve(data, solver="SA", **parameters):
        done = runner.run(engine.do("sample", data, solver=solver, parameters={"num_reads": 20} | parameters))
        return Solution.deserialize(done.blob), done.words

    return solve


# --- What it can solve ------------------------------------------------------------------------------------------------


def spins():
    model = Model("ring")
    ring = [model.add_variable(f"s{i}", vtype=Vtype.SPIN) for i in range(4)]
    model.objective = sum(one * other for one, other in itertools.pairwise([*ring, ring[0]]))
    return model


def integers():
    model = Model("parabola")
    x = model.add_variable("x", vtype=Vtype.INTEGER, lower=0, upper=10)
    model.objective = (x - 3) * (x - 3) + 1
    return model


def mixed():
    model = Model("mixed", sense=Sense.MAX)
    bit, spin = model.add_variable("bit"), model.add_variable("spin", vtype=Vtype.SPIN)
    model.objective = 2 * bit * spin
    return model


def with_unused_variables():
    model = small_model()
    model.add_variable("idle")
    return model


def with_unused_variables_after_translation():
    model = mixed()
    model.add_variable("idle")
    model.add_variable("number", vtype=Vtype.INTEGER, lower=0, upper=5)
    return model


@pytest.mark.parametrize(
    ("make", "best"),
    [
        (small_model, -5),
        (knapsack, 13),
        (spins, -4),
        (integers, 1),
        (mixed, 2),
        (with_unused_variables, -5),
        (with_unused_variables_after_translation, 2),
    ],
)
def test_it_finds_the_optimum_in_the_terms_of_the_model(sample, make, best):
    model = make()

    solution, words = sample(model.serialize(), num_reads=100)

    evaluated = [result.obj_value for result in model.evaluate(solution).results if result.feasible]
    assert (max if model.sense == Sense.MAX else min)(evaluated) == pytest.approx(best)
    assert words["summary"]["best"] == pytest.approx(best)
    assert words["facts"]["num_variables"] == model.num_variables
    assert solution.runtime.qpu > 0


@pytest.mark.parametrize(
    ("solver", "parameters"),
    [
        ("SA", {"num_reads": 5, "seed": 1, "beta_schedule": [0.1, 1.0, 5.0]}),
        ("TS", {"num_reads": 2, "timeout": 20}),
        (
            "PT",
            {
                "n_replicas": 3,
                "random_swaps_factor": 1,
                "max_iter": 20,
                "max_time": 5,
                "convergence": 3,
                "rtol": 1e-5,
                "atol": 1e-8,
                "fixed_temp_sampler_num_sweeps": 50,
                "fixed_temp_sampler_num_reads": 4,
            },
        ),
    ],
)
def test_each_local_solver_finds_it(sample, solver, parameters):
    solution, _ = sample(small_model().serialize(), solver, **parameters)

    assert min(solution.obj_values) == -5


# --- What it cannot ---------------------------------------------------------------------------------------------------


def cubic():
    model = Model("cubic")
    a, b, c = (model.add_variable(name) for name in "abc")
    model.objective = a * b * c
    return model


def real():
    model = Model("real")
    model.objective = 1 * model.add_variable("x", vtype=Vtype.REAL)
    return model


def infeasible():
    model = small_model()
    model.constraints += model.get_variable("b0") >= 3
    return model


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (cubic, "not linear or quadratic"),
        (real, "vtypes is 'Real'"),
        (infeasible, "infeasible"),
        (lambda: Model("empty"), "no variables"),
    ],
)
def test_it_says_why_it_cannot_solve_a_model(sample, make, words):
    with pytest.raises(Refused, match=words):
        sample(make().serialize())


def test_it_says_what_a_sampler_minds(sample):
    with pytest.raises(Refused, match="refuses these parameters"):
        sample(small_model().serialize(), beta_range=[5.0, -1.0])


# --- Hostile uploads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\0", b"x" * 1000, b"\x12V\x08\x01\x12R(\xb5/\xfd\x00XM\x02", b"\xff" * 100])
def test_it_refuses_what_is_no_model(sample, data):
    with pytest.raises(Refused, match="could not be read"):
        sample(data)


def test_it_survives_what_is_almost_a_model(sample):
    """Cut off anywhere, and with bytes changed, of which none may do more than be refused or solved."""
    data, chance = knapsack().serialize(), random.Random(1)
    broken = [data[: chance.randrange(len(data))] for _ in range(30)]
    for _ in range(120):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        broken.append(bytes(changed))

    outcomes = {"solved": 0, "refused": 0}
    for attempt in broken:
        try:
            sample(attempt, num_reads=1, num_sweeps=10)
            outcomes["solved"] += 1
        except Refused:
            outcomes["refused"] += 1

    assert outcomes["refused"] > 30
    assert sample(small_model().serialize())[1]["summary"]["best"] == -5


def test_a_bomb_ends_with_its_process(sample, runner, engine):
    bomb = zstd_bomb(2000)
    assert len(bomb) < 100_000

    with pytest.raises(Refused):
        sample(bomb)

    assert most_memory(engine) < 400 * 1024
    assert sample(small_model().serialize())[1]["summary"]["best"] == -5


def most_memory(engine):
    """Kilobytes that the fork server has ever had."""
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


# --- Processes --------------------------------------------------------------------------------------------------------


def children_of(engine):
    return Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children").read_text().split()


FOR_EVER = {"num_reads": 10_000, "num_sweeps": 1_000_000}


def test_what_takes_too_long_is_ended(runner):
    async def work():
        async with Engine(memory_mb=300, seconds=1) as engine:
            with pytest.raises(Refused, match="1 seconds"):
                await engine.do("sample", small_model().serialize(), solver="SA", parameters=FOR_EVER)

    runner.run(work())


def test_what_needs_too_much_memory_is_ended(runner):
    async def work():
        async with Engine(memory_mb=64, seconds=20) as engine:
            model = Model("large")
            model.objective = sum(model.add_variable(f"v{i}") for i in range(1000))
            with pytest.raises(Refused, match="memory"):
                await engine.do("sample", model.serialize(), solver="SA", parameters={"num_reads": 200_000})

    runner.run(work())


def test_a_cancelled_task_ends_its_process(runner, engine):
    async def cancel():
        task = asyncio.create_task(engine.do("sample", small_model().serialize(), solver="SA", parameters=FOR_EVER))
        while not children_of(engine):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while children_of(engine):
            await asyncio.sleep(0.01)

    runner.run(asyncio.wait_for(cancel(), 10))


def test_it_starts_again_when_it_was_killed(sample, engine):
    os.kill(engine.process.pid, signal.SIGKILL)
    engine.process.wait()

    assert sample(small_model().serialize())[1]["summary"]["best"] == -5


def test_a_task_outlives_a_fork_server_that_is_killed_before_it_has_forked(runner):
    async def work():
        async with Engine(memory_mb=300, seconds=60) as engine:
            task = asyncio.create_task(
                engine.do("sample", small_model().serialize(), solver="SA", parameters={"num_reads": 5})
            )
            await asyncio.sleep(0)  # it has asked; the fork server is still loading its libraries
            engine.process.kill()
            return await task

    assert runner.run(work()).words["summary"]["best"] == -5


def test_its_processes_know_no_secret(engine):
    environment = Path(f"/proc/{engine.process.pid}/environ").read_bytes()

    names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names <= {b"PATH", b"LANG", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"LC_CTYPE"}
