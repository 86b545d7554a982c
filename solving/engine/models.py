"""From a model's bytes to what samplers take, and back from their samples to a solution of the model."""

from dataclasses import dataclass
from typing import Any

import dimod
from luna_model import Model, Sense, Solution
from luna_model.errors import DecodeError, InternalPanicError, LunaModelError
from luna_model.transformation import PassManager, TransformationOutput
from luna_model.transformation.pipelines import ToBinaryMinimizationPipeline, ToUnconstrainedBinaryPipeline
from luna_model.translator import BqmTranslator, DwaveTranslator

from .errors import Refused

UNREADABLE = "The model could not be read: it is damaged, or was not made by luna_model."


@dataclass(frozen=True)
class Problem:
    """A model as a binary quadratic model, and the way back."""

    model: Model
    transformed: TransformationOutput | None
    bqm: dimod.BinaryQuadraticModel

    @classmethod
    def read(cls, data: bytes) -> "Problem":
        """From the bytes that the SDK uploads; Refused, in luna_model's words, if samplers cannot take the model."""
        model = decoded(data)
        try:
            transformed, bqm = translated(model)
        except InternalPanicError:
            raise Refused("luna_model cannot translate this model.") from None
        except LunaModelError as error:
            raise Refused(f"This model cannot be solved: {str(error).strip()}") from None
        work_model = transformed.model if transformed else model
        # Variables that stand in no term are missing, and translations back cannot do without any.
        for variable in work_model.environment.variables():
            bqm.add_linear(variable.name, 0)
        return cls(model, transformed, bqm)

    @property
    def facts(self) -> dict[str, Any]:
        return facts_of(self.model)

    @property
    def size(self) -> dict[str, int]:
        biases = self.bqm.num_variables + self.bqm.num_interactions
        return {"variables": self.bqm.num_variables, "constraints": 0, "biases": biases}

    def as_file(self) -> bytes:
        """As dimod writes it, for D-Wave's hybrid solvers."""
        with self.bqm.to_file() as file:
            return bytes(file.read())

    def solution(self, samples: dimod.SampleSet) -> Solution:
        """The samples as a solution of the model: in its own variables, evaluated."""
        work_model = self.transformed.model if self.transformed else self.model
        try:
            solution = DwaveTranslator.to_lm(samples, env=work_model.environment)
            if self.transformed:
                solution = self.transformed.record.backward(solution)
            return self.model.evaluate(solution)
        except LunaModelError as error:
            raise Refused(f"The samples could not be translated back: {str(error).strip()}") from None


def decoded(data: bytes) -> Model:
    try:
        model = Model.deserialize(data)
    except (DecodeError, InternalPanicError, LunaModelError, OSError):
        raise Refused(UNREADABLE) from None
    if not model.num_variables:
        raise Refused("The model has no variables.")
    return model


def translated(model: Model) -> tuple[TransformationOutput | None, dimod.BinaryQuadraticModel]:
    """The model as a binary quadratic one; with the transformation that this took, if it took one."""
    try:
        return None, BqmTranslator.from_lm(model)
    except LunaModelError:
        # A maximum, bounded integers, mixed types or constraints.
        pipeline = ToUnconstrainedBinaryPipeline() if model.num_constraints else ToBinaryMinimizationPipeline()
        transformed = PassManager([pipeline]).run(model)
        return transformed, BqmTranslator.from_lm(transformed.model)


def facts_of(model: Model) -> dict[str, Any]:
    """What can be told of a model without its contents."""
    return {"name": model.name, "num_variables": model.num_variables, "num_constraints": model.num_constraints}


def summary(model: Model, solution: Solution) -> dict[str, Any]:
    """What can be told of a solution without decoding it: the best value of a feasible sample, if there is one."""
    results = list(solution.results)
    values = [float(result.obj_value) for result in results if result.feasible and result.obj_value is not None]
    best = max if model.sense == Sense.MAX else min
    return {"best": best(values, default=None), "feasible": len(values), "samples": len(results)}
