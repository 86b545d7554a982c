"""What the engine says when it cannot do what it was asked for."""


class Refused(Exception):
    """The model or the parameters cannot be solved; the message is for the user."""


class Failed(Exception):
    """Something went wrong that is nobody's fault but ours; the message is for the log."""
