"""What SAPI says when it says no."""


class SapiError(Exception):
    """An error with a code of HTTP's and a text for the user: a whole answer, or one item's in a batch."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def as_item(self) -> dict[str, int | str]:
        """The error in the place of a problem's status."""
        return {"error_code": self.code, "error_msg": self.message}


NO_SUCH_PROBLEM = "Problem does not exist or apitoken does not have access"
NO_SUCH_SOLVER = "Solver does not exist or apitoken does not have access"
