"""The parameters of each solver, with bounds. What is unknown or impossible is refused before anything runs."""

import math
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from organizations.fields import DictField, ListField

MAX_READS = 10_000
MAX_LIST = 10_000  # more than any QPU has qubits
MAX_QUBIT = 100_000
MICROSECONDS = 1_000_000.0  # no QPU takes parameters that long
MAX_SECONDS = 7 * 86_400.0  # no hybrid solver works that long
HUGE = 1e15


class NumberField(serializers.FloatField):
    """A number that is one: neither true, which Python takes for 1, nor NaN, which passes all bounds."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if isinstance(data, bool) or not math.isfinite(value):
            self.fail("invalid")
        return value


def integer(lowest: int, highest: int, **options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=lowest, max_value=highest, required=False, **options)


def number(lowest: float, highest: float, **options: Any) -> NumberField:
    return NumberField(min_value=lowest, max_value=highest, required=False, **options)


def numbers(lowest: float, highest: float, longest: int = MAX_LIST) -> ListField:
    return ListField(child=number(lowest, highest), min_length=1, max_length=longest, required=False)


def pairs() -> ListField:
    point = ListField(child=number(-MICROSECONDS, MICROSECONDS), min_length=2, max_length=2)
    return ListField(child=point, min_length=2, max_length=100, required=False)


def choice(*values: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=values, required=False)


def flag(**options: Any) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, **options)


def solver_name() -> serializers.RegexField:
    """What D-Wave calls one of its solvers, or the word for the portal's choice."""
    return serializers.RegexField(r"^\w[\w.:=+~-]{0,99}$", default="default")


class Parameters(serializers.Serializer):
    """Null is as good as absent: the SDK sends all parameters of an algorithm, set or not."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        given = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data
        if isinstance(given, dict) and given.keys() - self.fields.keys():
            # The name is not repeated: nobody knows what it may be.
            message = f"There is a parameter that is not known here. Known are: {', '.join(sorted(self.fields))}."
            raise serializers.ValidationError({"non_field_errors": [message]})
        return dict(super().to_internal_value(given))


class InitialStates(Parameters):
    """The samplers' own initial states are random; the SDK sends along how to fill up given ones."""

    initial_states_generator = choice("random")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("initial_states_generator", None)
        return attrs


class SimulatedAnnealing(InitialStates):
    num_reads = integer(1, MAX_READS)
    num_sweeps = integer(1, 1_000_000)
    num_sweeps_per_beta = integer(1, 1_000_000)
    beta_range = ListField(child=number(0, HUGE), min_length=2, max_length=2, required=False)
    beta_schedule_type = choice("linear", "geometric")
    beta_schedule = numbers(0, HUGE)
    seed = integer(0, 2**31 - 1)
    randomize_order = flag()
    proposal_acceptance_criteria = choice("Metropolis", "Gibbs")


class TabuSearch(InitialStates):
    num_reads = integer(1, MAX_READS)
    tenure = integer(0, 20)
    timeout = number(1, 600_000, help_text="Milliseconds for each read.")
    num_restarts = integer(0, 2**31 - 1)
    energy_threshold = number(-HUGE, HUGE)
    coefficient_z_first = integer(0, 2**31 - 1)
    coefficient_z_restart = integer(0, 2**31 - 1)
    lower_bound_z = integer(0, 2**31 - 1)
    seed = integer(0, 2**31 - 1)


class ParallelTempering(Parameters):
    n_replicas = integer(1, 100, default=2)
    random_swaps_factor = integer(1, 100, default=1)
    max_iter = integer(1, 1_000_000)
    max_time = number(0, 3600, default=5, help_text="Seconds.")
    convergence = integer(1, 1000, default=3)
    target = number(-HUGE, HUGE)
    rtol = number(0, 1, default=1e-5)
    atol = number(0, HUGE, default=1e-8)
    fixed_temp_sampler_num_sweeps = integer(1, 1_000_000, default=10_000)
    fixed_temp_sampler_num_reads = integer(1, MAX_READS)


# --- Quantum annealing ------------------------------------------------------------------------------------------------


class QubitField(serializers.Field):
    """The number of a qubit. Half a million may come at once, for each of which DRF's own field takes its time."""

    default_error_messages = {"invalid": "A qubit is a whole number from 0 to {most}."}

    def run_validation(self, data: Any = empty) -> int:
        if type(data) is not int or not 0 <= data <= MAX_QUBIT:
            self.fail("invalid", most=MAX_QUBIT)
        return data


def chains() -> DictField:
    return DictField(child=ListField(child=QubitField()), required=False)


class Embedding(Parameters):
    """What minorminer takes."""

    max_no_improvement = integer(1, 1000)
    random_seed = integer(0, 2**31 - 1)
    timeout = integer(1, 1000, help_text="Seconds.")
    max_beta = number(1, HUGE)
    tries = integer(1, 1000)
    inner_rounds = integer(1, 2**31 - 1)
    chainlength_patience = integer(0, 1000)
    max_fill = integer(1, 63)
    threads = integer(1, 8)
    return_overlap = flag()
    skip_initialization = flag()
    initial_chains = chains()
    fixed_chains = chains()
    restrict_chains = chains()
    suspend_chains = chains()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and data.keys() == {"embedding_parameters"}:
            data = data["embedding_parameters"]  # the SDK's AutoEmbedding wraps them
        return super().to_internal_value(data)

    def validate_return_overlap(self, value: bool) -> bool:
        if value:
            raise serializers.ValidationError("An embedding whose chains overlap cannot be run.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("return_overlap", None)
        return {name: value for name, value in attrs.items() if value != {}}


class QuantumAnnealing(Parameters):
    """What the gateway or D-Wave has more to say about is checked there."""

    num_reads = integer(1, MAX_READS, default=1)
    annealing_time = number(0, MICROSECONDS, help_text="Microseconds.")
    anneal_schedule = pairs()
    h_gain_schedule = pairs()
    anneal_offsets = numbers(-10, 10)
    flux_biases = numbers(-1, 1)
    initial_state = ListField(child=integer(-1, 1), min_length=1, max_length=MAX_LIST, required=False)
    auto_scale = flag()
    fast_anneal = flag()
    flux_drift_compensation = flag()
    max_answers = integer(1, MAX_READS)
    programming_thermalization = number(0, MICROSECONDS, help_text="Microseconds.")
    readout_thermalization = number(0, MICROSECONDS, help_text="Microseconds.")
    reduce_intersample_correlation = flag()
    reinitialize_state = flag()
    chain_strength = number(1e-9, HUGE)
    embedding_parameters = Embedding(required=False)
    qpu_backend = solver_name()


# --- D-Wave's hybrid solvers ------------------------------------------------------------------------------------------


class LeapHybridBqm(Parameters):
    time_limit = number(
        0.001, MAX_SECONDS, help_text="Seconds; without it, the least that D-Wave takes for the model's size."
    )
    embedding_parameters = Embedding(required=False, help_text="Not needed: the SDK sends those of its back end along.")
    qpu_backend = solver_name()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.pop("embedding_parameters", None)
        return attrs


class LeapHybridCqm(LeapHybridBqm):
    spin_variables = ListField(
        child=serializers.CharField(max_length=1000),
        max_length=MAX_LIST,
        required=False,
        help_text="Binary or spin variables. Solutions have the model's own values all the same.",
    )
