"""What the server signs, so that any of its processes knows it again: tokens of forms, cookies."""

import base64
import hmac
from hashlib import sha256

from condarium.storage.access.signing_keys import SigningKey
from condarium.storage.store import Store


class Signer:
    """Signs with the newest key, and believes what was signed with those before it for a while."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sign(self, purpose: str, message: str) -> str:
        """Give a signature that is good for this purpose alone."""
        keys = self._keys()
        if not keys:
            with self._store.database.note() as facts:
                keys = [facts.signing_keys.ensure(at=self._store.now())]
        return _signature(keys[0], purpose, message)

    def is_right(self, purpose: str, message: str, signature: str) -> bool:
        given = signature.encode()
        made = [_signature(key, purpose, message).encode() for key in self._keys()]
        return any(hmac.compare_digest(each, given) for each in made)

    def _keys(self) -> list[SigningKey]:
        with self._store.database.read() as facts:
            return facts.signing_keys.valid(at=self._store.now())


def _signature(key: SigningKey, purpose: str, message: str) -> str:
    said = f"{len(purpose)}:{purpose}:{message}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key.secret, said, sha256)).decode().rstrip("=")
