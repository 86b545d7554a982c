"""What the portal can solve, in the SDK's terms: provider -> solver -> description."""

from typing import Any

SOLVERS: dict[str, dict[str, dict[str, Any]]] = {
    "dwave": {
        "QA": {
            "full_name": "Quantum Annealing",
            "short_name": "QA",
            # Solve jobs are not served yet: programs may look the solver up, but cannot run it.
            "available": False,
            "params": {},
            "description": "Quantum annealing on a D-Wave QPU. Solve jobs are not available on this portal yet.",
        }
    }
}
