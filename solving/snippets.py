"""Lines of code that have models solved, and fetch what was found, ready to be copied."""

from textwrap import dedent

RAW_KEY = "luna_…"  # where people put their own


def first_job(portal_url: str) -> str:
    """A small model, solved for nothing."""
    return lines(
        portal_url,
        """
        from luna_quantum import LunaSolve, Model
        from luna_quantum.algorithms import SimulatedAnnealing

        model = Model("first")
        a, b = model.add_variable("a"), model.add_variable("b")
        model.objective = a + b - 3 * a * b

        luna = LunaSolve()
        job = SimulatedAnnealing(num_reads=100).run(model, client=luna)
        print(job.result(client=luna))
        """,
    )


def fetch_solution(portal_url: str, job_id: int | str) -> str:
    """The solution of a job, wherever it was sent from."""
    return lines(
        portal_url,
        f"""
        from luna_quantum import LunaSolve

        print(LunaSolve().solve_job.get_solution("{job_id}"))
        """,
    )


def lines(portal_url: str, program: str) -> str:
    """A whole program: where the portal is and whose key it uses, and then what it does."""
    head = f"""
        import os

        os.environ["LUNA_BASE_URL"] = "{portal_url}"
        os.environ["LUNA_API_KEY"] = "{RAW_KEY}"
        """
    return f"{dedent(head).strip()}\n\n{dedent(program).strip()}"
