"""What is solved: a ring with chords, whose variables and couplings pull up or down by chance, the same each time.

Needs nothing but Python, because the Luna SDK's environment reads it as well.
"""

import random

Couplings = dict[tuple[int, int], int]


def ring(variables: int) -> tuple[list[int], Couplings]:
    """Linear and quadratic weights of a minimization over 0 and 1; every other variable has three neighbors."""
    chance = random.Random(variables)
    ends = chance.sample(range(variables), variables // 4 * 2)
    edges = [(number, (number + 1) % variables) for number in range(variables)]
    edges += [(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if abs(a - b) not in {1, variables - 1}]
    return [chance.choice((-2, -1, 1, 2)) for _ in range(variables)], {edge: chance.choice((-1, 1)) for edge in edges}
