"""The organization's token in D-Wave's words: wherever D-Wave might have written it, it ends here."""

from collections.abc import AsyncIterator, Iterable

import orjson
import structlog

log = structlog.get_logger(__name__)

HIDDEN = b"[hidden]"
SHORTEST = 8  # what is shorter is no token, and may stand in any answer


class Redaction:
    """Hides secrets, in the forms in which an answer can hold them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.forms = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST
            for form in (secret.encode(), orjson.dumps(secret)[1:-1])
        }

    def apply(self, body: bytes) -> bytes:
        redacted = body
        for form in self.forms:
            redacted = redacted.replace(form, HIDDEN)
        if redacted != body:
            log.error("token_in_answer")
        return redacted

    async def apply_to_stream(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, redacted also where a secret stretches over several of them."""
        overlap = max(map(len, self.forms), default=1) - 1
        held_back = b""
        async for chunk in chunks:
            redacted = self.apply(held_back + chunk)
            cut = max(0, len(redacted) - overlap)
            held_back = redacted[cut:]
            if cut:
                yield redacted[:cut]
        if held_back:
            yield held_back
