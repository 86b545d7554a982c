"""From a binary quadratic model to a problem for the qubits of a QPU, and back from its answer."""

import base64
import math
from typing import Any

import dimod
import minorminer
import numpy
from dwave.embedding import embed_bqm, unembed_sampleset
from dwave.embedding.chain_strength import uniform_torque_compensation
from dwave.embedding.exceptions import EmbeddingError
from dwave.graphs import pegasus_graph, zephyr_graph
from minorminer import busclique

from .errors import Refused

Chains = dict[Any, list[int]]

# From here on the chains of a clique are shorter than those that are searched for, and are found at once.
DENSE = 0.25
SEARCH_SECONDS = 60
UNUSED = 3  # what initial states say of qubits that take no part
GRAPHS = {"pegasus": pegasus_graph, "zephyr": zephyr_graph}


def embedded(bqm: dimod.BinaryQuadraticModel, chip: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The chains of qubits for the variables, and the problem in SAPI's format `qp`."""
    spins = bqm.change_vartype(dimod.SPIN, inplace=False)
    chains = find_chains(spins, chip, parameters.get("embedding_parameters"))
    adjacency = neighbors(chip["couplers"])
    strength = parameters.get("chain_strength") or uniform_torque_compensation
    try:
        target = embed_bqm(spins, chains, adjacency, chain_strength=strength)
    except EmbeddingError as error:
        raise Refused(f"The problem does not fit its embedding: {error}") from None
    outcome: dict[str, Any] = {
        "chains": {str(name): list(chain) for name, chain in chains.items()},
        "data": encoded(target, chip),
    }
    if state := parameters.get("initial_state"):
        outcome["initial_state"] = state_of_qubits(state, list(bqm.variables), chains, chip["num_qubits"])
    return outcome


def find_chains(bqm: dimod.BinaryQuadraticModel, chip: dict[str, Any], wishes: dict[str, Any] | None) -> Chains:
    """A chain of qubits for each variable; Refused if the problem is too large for the chip."""
    if wishes is None and density(bqm) >= DENSE and (chains := clique(bqm, chip)):
        return chains
    terms = [*bqm.quadratic, *((name, name) for name in bqm.variables)]
    chains = minorminer.find_embedding(terms, chip["couplers"], **({"timeout": SEARCH_SECONDS} | (wishes or {})))
    if len(chains) < bqm.num_variables and not (chains := clique(bqm, chip)):
        raise Refused(
            f"No embedding was found: the problem has {bqm.num_variables} variables and {bqm.num_interactions} "
            f"interactions, after translation, and the QPU {len(chip['qubits'])} qubits."
        )
    return dict(chains)


def density(bqm: dimod.BinaryQuadraticModel) -> float:
    pairs = math.comb(bqm.num_variables, 2)
    return bqm.num_interactions / pairs if pairs else 0.0


def clique(bqm: dimod.BinaryQuadraticModel, chip: dict[str, Any]) -> Chains:
    """Chains that all touch each other; none if there are too many variables, or the chip is of an unknown kind."""
    topology = chip["topology"]
    if topology["type"] not in GRAPHS:
        return {}
    graph = GRAPHS[topology["type"]](*topology["shape"], node_list=chip["qubits"], edge_list=chip["couplers"])
    chains: Chains = busclique.find_clique_embedding(list(bqm.variables), graph, use_cache=False)
    return chains


def neighbors(couplers: list[list[int]]) -> dict[int, set[int]]:
    adjacency: dict[int, set[int]] = {}
    for one, other in couplers:
        adjacency.setdefault(one, set()).add(other)
        adjacency.setdefault(other, set()).add(one)
    return adjacency


def state_of_qubits(state: list[int], names: list[Any], chains: Chains, num_qubits: int) -> list[int]:
    if len(state) != len(names):
        raise Refused(f"initial_state needs a value for each of the {len(names)} variables.")
    qubits = [UNUSED] * num_qubits
    for value, name in zip(state, names, strict=True):
        for qubit in chains[name]:
            qubits[qubit] = value
    return qubits


# --- SAPI's format qp -------------------------------------------------------------------------------------------------


def encoded(target: dimod.BinaryQuadraticModel, chip: dict[str, Any]) -> dict[str, Any]:
    """A bias for each qubit, not a number where it is not used, and for each coupler between two that are."""
    linear, quadratic = target.linear, target.adj
    biases = [linear.get(qubit, math.nan) for qubit in chip["qubits"]]
    couplings = [quadratic[one].get(other, 0.0) for one, other in chip["couplers"] if one in linear and other in linear]
    return {"format": "qp", "lin": doubles(biases), "quad": doubles(couplings)}


def doubles(values: list[float]) -> str:
    return base64.b64encode(numpy.array(values, "<f8").tobytes()).decode()


def unembedded(
    bqm: dimod.BinaryQuadraticModel, chains: dict[str, list[int]], answer: dict[str, Any]
) -> dimod.SampleSet:
    """Samples of the variables, from what a QPU has answered about its qubits."""
    spins = bqm.change_vartype(dimod.SPIN, inplace=False)
    samples = unembed_sampleset(decoded(answer), {name: chains[str(name)] for name in bqm.variables}, spins)
    return samples.change_vartype(bqm.vartype, inplace=False)


def decoded(answer: dict[str, Any]) -> dimod.SampleSet:
    try:
        qubits = array(answer["active_variables"], "<i4")
        energies = array(answer["energies"], "<f8")
        counts = array(answer["num_occurrences"], "<i4")
        rows = array(answer["solutions"], "u1").reshape(len(energies), -1)
        bits = numpy.unpackbits(rows, axis=1, count=len(qubits))
        spins = 2 * bits.astype(numpy.int8) - 1
        return dimod.SampleSet.from_samples((spins, qubits.tolist()), dimod.SPIN, energies, num_occurrences=counts)
    except (KeyError, TypeError, ValueError):
        raise Refused("D-Wave's answer could not be read.") from None


def array(text: str, dtype: str) -> numpy.ndarray:
    return numpy.frombuffer(base64.b64decode(text, validate=True), dtype)
