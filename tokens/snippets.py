"""Lines of code with which programs use a token through the portal, ready to be copied."""

from textwrap import dedent

from .models import QpuToken

RAW_KEY = "luna_…"  # where people put their own


def dwave_snippets(token: QpuToken, *, endpoint: str, portal_url: str) -> dict[str, str]:
    """How to use a D-Wave token from Ocean and the Luna SDK; `endpoint` is the portal's, where Ocean finds it."""
    kind = "GroupQpuToken" if token.is_group else "PersonalQpuToken"
    snippets = {
        "shell": f"""
            export DWAVE_API_ENDPOINT={endpoint}
            export DWAVE_API_TOKEN={RAW_KEY}
            dwave ping --client qpu
        """,
        "python": f"""
            from dwave.system import DWaveSampler

            sampler = DWaveSampler(
                endpoint="{endpoint}",
                token="{RAW_KEY}",
            )
        """,
        "file": f"""
            [defaults]
            endpoint = {endpoint}
            token = {RAW_KEY}
        """,
        "luna": f"""
            import os

            os.environ["LUNA_BASE_URL"] = "{portal_url}"
            os.environ["LUNA_API_KEY"] = "{RAW_KEY}"

            from luna_quantum.algorithms import QuantumAnnealing
            from luna_quantum.backends import DWaveQpu
            from luna_quantum.tokens import {kind}

            backend = DWaveQpu(token={kind}(name={token.name!r}))
            job = QuantumAnnealing().run(model, backend=backend)
        """,
    }
    return {name: dedent(text).strip() for name, text in snippets.items()}
