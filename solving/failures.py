"""Why jobs have failed, in the language of the reader. Kept, and told to programs, in English."""

import re
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from quotas.units import localized

# Sentences of which messages are made, in words that the machinery of translation finds here. What stands between them,
# such as what a library has said, stays as it is.
SENTENCES = [
    gettext_noop("Something went wrong in the portal. Tell your operator the number of this job."),
    gettext_noop("The job was taken from its worker."),
    gettext_noop("The account or the organization of this job was closed before it could begin."),
    gettext_noop("The job did not end within %(days)s days."),
    gettext_noop("%(workers)s workers have ended while they ran this job."),
    gettext_noop("The job took longer than the %(seconds)s seconds that jobs may have here."),
    gettext_noop("The job took more than the %(memory)s MB of memory or %(seconds)s seconds that jobs may have here."),
    # Models and parameters
    gettext_noop("The model was deleted before the job could run."),
    gettext_noop("The model could not be read: it is damaged, or was not made by luna_model."),
    gettext_noop("The model has no variables."),
    gettext_noop("luna_model cannot translate this model."),
    gettext_noop("This model cannot be solved: it has variables that are not binary, spin, integer or real."),
    gettext_noop("This model cannot be solved: it is not linear or quadratic."),
    gettext_noop("This model cannot be solved:"),
    gettext_noop("The samples could not be translated back:"),
    gettext_noop("The solver refuses these parameters:"),
    gettext_noop("spin_variables names what is no binary or spin variable of the model."),
    gettext_noop("initial_state needs a value for each of the %(count)s variables."),
    gettext_noop("For this model time_limit must be %(least)s to %(most)s seconds."),
    # Embeddings
    gettext_noop("The problem does not fit its embedding:"),
    gettext_noop(
        "No embedding was found: the problem has %(variables)s variables and %(interactions)s interactions, after "
        "translation, and the QPU %(qubits)s qubits."
    ),
    # D-Wave
    gettext_noop("D-Wave does not know this any more, or not with this token."),
    gettext_noop("D-Wave did not get the problem. Run the job again."),
    gettext_noop("D-Wave cannot be reached at the moment. Try again."),
    gettext_noop("D-Wave's answer could not be read."),
    gettext_noop("D-Wave could not solve the problem:"),
    gettext_noop("D-Wave could not solve the problem."),
    gettext_noop("The problem was cancelled at D-Wave."),
    gettext_noop("This solver does not tell which time limits it takes."),
    # Tokens, their rules and quotas
    gettext_noop("The token of this job was deleted."),
    gettext_noop("This token is not for D-Wave."),
    gettext_noop("This token can use no solver for problems of the type %(type)s."),
    gettext_noop("This token can use %(solvers)s, or %(default)s."),
    gettext_noop("The portal's operator does not allow the endpoint %(endpoint)s any more."),
    gettext_noop("Solver does not exist or apitoken does not have access"),
    gettext_noop(
        "Problem not accepted because it needs about %(needed)s, and one job on %(token)s may take at most %(most)s."
    ),
    gettext_noop(
        "Problem not accepted because %(count)s of your problems on %(token)s are open, and at most %(most)s may be "
        "open at once. Try again when one has ended."
    ),
    gettext_noop("The job does not fit."),
    gettext_noop("Problem not accepted because user has insufficient remaining solver access time in %(token)s:"),
    gettext_noop("Refused by the group quota of this token: it begins at %(at)s."),
    gettext_noop("Refused by the group quota of this token: it ended at %(at)s. Ask an admin to extend it."),
    gettext_noop("Refused by the group quota of this token: needs about %(needed)s, %(left)s left of %(quota)s."),
    gettext_noop("Refused by the user quota of this token: it begins at %(at)s."),
    gettext_noop("Refused by the user quota of this token: it ended at %(at)s. Ask an admin to extend it."),
    gettext_noop("Refused by the user quota of this token: needs about %(needed)s, %(left)s left of %(quota)s."),
    gettext_noop("Open jobs may give back some when they end."),
    gettext_noop("That changes when an admin raises the quota."),
]
FIGURE = re.compile(r"-?[\d.,]+( \w+)?")


def pattern_of(sentence: str) -> re.Pattern[str]:
    """Finds the sentence with whatever stands in its gaps; a point within a figure does not end it."""
    parts = re.split(r"%\((\w+)\)s", sentence)
    filled = "".join(f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile(rf"{filled}(?!\S)")


PATTERNS = {sentence: pattern_of(sentence) for sentence in SENTENCES}


def in_words(message: str) -> str:
    """The message, with each sentence that is known in the reader's language, and figures as it writes them."""
    for sentence, pattern in PATTERNS.items():
        message = pattern.sub(partial(translated, sentence), message)
    return message


def translated(sentence: str, found: re.Match[str]) -> str:
    gaps = found.groupdict()
    return _(sentence) % {name: localized(gap) if FIGURE.fullmatch(gap) else gap for name, gap in gaps.items()}
