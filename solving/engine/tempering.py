"""Parallel tempering: replicas at fixed temperatures from hot to cold, which exchange states after each round."""

import time
from itertools import count
from typing import Any

import dimod
import numpy
from dwave.samplers import SimulatedAnnealingSampler

HOT_FLIP, COLD_FLIP = 0.5, 0.01  # how probably the hottest and the coldest replica accept a costly flip


def parallel_tempering(bqm: dimod.BinaryQuadraticModel, parameters: dict[str, Any]) -> dimod.SampleSet:
    """The best state that each of the `fixed_temp_sampler_num_reads` walkers has come by.

    Ends after `max_iter` rounds, after `max_time` seconds, at the energy `target`, or when the best energies have
    stayed the same for `convergence` rounds.
    """
    spins = bqm.change_vartype(dimod.SPIN, inplace=False)
    chance = numpy.random.default_rng()
    walkers = parameters.get("fixed_temp_sampler_num_reads") or 1
    replicas = [Replica(spins, beta, walkers, chance) for beta in betas(spins, parameters["n_replicas"])]
    best = replicas[-1].samples()
    unchanged, deadline = 0, time.monotonic() + parameters["max_time"]
    for finished in count(1):
        for replica in replicas:
            replica.sweep(parameters["fixed_temp_sampler_num_sweeps"])
        for _ in range(parameters["random_swaps_factor"] * (len(replicas) - 1)):
            place = chance.integers(len(replicas) - 1)
            exchange(replicas[place], replicas[place + 1], chance)
        former, best = best, best_of([best, *(replica.samples() for replica in replicas)])
        unchanged = unchanged + 1 if is_close(former, best, parameters) else 0
        if (
            unchanged >= parameters["convergence"]
            or finished == parameters.get("max_iter")
            or time.monotonic() > deadline
            or best.first.energy <= parameters.get("target", -numpy.inf)
        ):
            return best.change_vartype(bqm.vartype, inplace=False)
    raise AssertionError  # the rounds are counted without an end


class Replica:
    """The states of all walkers at one temperature."""

    def __init__(
        self, bqm: dimod.BinaryQuadraticModel, beta: float, walkers: int, chance: numpy.random.Generator
    ) -> None:
        self.bqm, self.beta, self.chance = bqm, beta, chance
        self.states = chance.choice([-1, 1], (walkers, bqm.num_variables)).astype(numpy.int8)

    def sweep(self, times: int) -> None:
        sampled = SimulatedAnnealingSampler().sample(
            self.bqm,
            beta_schedule_type="custom",
            beta_schedule=[self.beta],
            num_sweeps_per_beta=times,
            initial_states=(self.states, list(self.bqm.variables)),
            num_reads=len(self.states),
            seed=int(self.chance.integers(2**31)),
        )
        order = [sampled.variables.index(name) for name in self.bqm.variables]
        self.states = sampled.record.sample[:, order]

    @property
    def energies(self) -> numpy.ndarray:
        return self.bqm.energies((self.states, list(self.bqm.variables)))

    def samples(self) -> dimod.SampleSet:
        return dimod.SampleSet.from_samples_bqm((self.states, list(self.bqm.variables)), self.bqm)


def betas(bqm: dimod.BinaryQuadraticModel, replicas: int) -> numpy.ndarray:
    """Inverse temperatures from hot to cold, for the greatest and the smallest energies that a flip can take."""
    sizes = [abs(bias) for bias in (*bqm.linear.values(), *bqm.quadratic.values()) if bias]
    if not sizes:
        return numpy.ones(replicas)
    largest = max(
        abs(bqm.linear[name]) + sum(abs(bias) for _, bias in bqm.iter_neighborhood(name)) for name in bqm.variables
    )
    hot, cold = -numpy.log(HOT_FLIP) / (2 * largest), -numpy.log(COLD_FLIP) / (2 * min(sizes))
    return numpy.geomspace(hot, cold, replicas)


def exchange(hotter: Replica, colder: Replica, chance: numpy.random.Generator) -> None:
    """Swap the states of each walker at two temperatures, as probably as keeps both distributions what they are."""
    gain = (colder.beta - hotter.beta) * (colder.energies - hotter.energies)
    swap = chance.random(len(gain)) < numpy.exp(numpy.minimum(gain, 0))
    hotter.states[swap], colder.states[swap] = colder.states[swap], hotter.states[swap].copy()


def best_of(candidates: list[dimod.SampleSet]) -> dimod.SampleSet:
    """For each walker the best of its states."""
    energies = numpy.array([samples.record.energy for samples in candidates])
    chosen = energies.argmin(axis=0)
    states = numpy.array([candidates[winner].record.sample[walker] for walker, winner in enumerate(chosen)])
    return dimod.SampleSet.from_samples((states, candidates[0].variables), dimod.SPIN, energies.min(axis=0))


def is_close(former: dimod.SampleSet, best: dimod.SampleSet, parameters: dict[str, Any]) -> bool:
    return numpy.allclose(former.record.energy, best.record.energy, rtol=parameters["rtol"], atol=parameters["atol"])
