"""gunicorn's own messages, in the portal's log."""

from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger


class ServerLogger(Logger):
    """Hands on to the portal's log, without what clients sent: malformed requests and paths may hold secrets."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.propagate = True

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if msg.startswith("Invalid request from ip="):  # "...: Invalid HTTP Header: 'Luna-API-Key ...'"
            msg = ": ".join(msg.split(": ")[:2])
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if msg.startswith("Error handling request "):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)
