"""Problem data for hybrid solvers, uploaded in parts."""

import base64
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from .errors import SapiError

PART_SIZE = 5 * 1024 * 1024


@dataclass
class Upload:
    """One upload of `size` bytes; `data` is there when its parts are combined."""

    token: str
    size: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    parts: dict[int, bytes] = field(default_factory=dict)
    data: bytes | None = None

    def put(self, number: int, part: bytes, content_md5: str) -> None:
        """Keep a part whose checksum is right."""
        if self.data is not None:
            raise SapiError(400, "The upload is complete")
        if number < 1 or len(part) > PART_SIZE:
            raise SapiError(400, f"Parts count from 1 and have at most {PART_SIZE} bytes")
        if base64.b64encode(_md5(part)).decode() != content_md5:
            raise SapiError(400, "Invalid checksum")
        self.parts[number] = part

    def combine(self, checksum: object) -> None:
        """Complete the upload: all parts in order, the checksum over their checksums."""
        parts = [self.parts[number] for number in sorted(self.parts)]
        data = b"".join(parts)
        if _md5(b"".join(map(_md5, parts))).hex() != checksum or len(data) != self.size:
            raise SapiError(400, "Failed to combine the multipart upload")
        self.data, self.parts = data, {}

    def as_status(self) -> dict[str, Any]:
        if self.data is not None:
            return {"status": "UPLOAD_COMPLETED", "parts": []}
        parts = [{"part_number": number, "checksum": _md5(part).hex()} for number, part in sorted(self.parts.items())]
        return {"status": "UPLOAD_IN_PROGRESS", "parts": parts}


class Uploads:
    """All uploads, found by their id and the token that made them."""

    def __init__(self) -> None:
        self._by_id: dict[str, Upload] = {}

    def begin(self, token: str, size: object) -> Upload:
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SapiError(400, "size must be a positive integer")
        upload = Upload(token, size)
        self._by_id[upload.id] = upload
        return upload

    def get(self, upload_id: str, token: str) -> Upload:
        upload = self._by_id.get(upload_id)
        if upload is None or upload.token != token:
            raise SapiError(404, "The upload does not exist")
        return upload

    def data(self, upload_id: str, token: str) -> bytes:
        """What was uploaded; SapiError as long as it is not complete."""
        data = self.get(upload_id, token).data
        if data is None:
            raise SapiError(400, "The upload is not complete")
        return data


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
