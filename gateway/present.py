"""D-Wave's words about a problem as its owner may see them."""

from typing import Any

from .calls import Call
from .models import Problem


def presented(said: dict[str, Any], problem: Problem, call: Call) -> dict[str, Any]:
    """The problem with its sender's own label, and without what points past the gateway or names its token."""
    if "error_code" in said:
        return said
    words = {name: value for name, value in said.items() if name != "label"}
    if problem.label and "status" in said:
        words["label"] = problem.label
    if isinstance(words.get("answer"), dict):
        words["answer"] = present_answer(words["answer"], problem, call)
    if isinstance(words.get("metadata"), dict):
        words["metadata"] = presented(words["metadata"], problem, call)
    if "submitted_by" in words:  # where D-Wave writes the token
        words["submitted_by"] = call.door.member.user.email
    return words


def present_answer(answer: dict[str, Any], problem: Problem, call: Call) -> dict[str, Any]:
    """Binary answers are fetched from an address, with the caller's key: it must be one of ours."""
    if "url" not in answer:
        return answer
    return answer | {"url": f"{call.base_path}problems/{problem.upstream_id}/answer/data/"}
