"""Signatures and the AES envelope that WeChat, WeCom and DingTalk share.

What may be refused here is refused with `Forbidden` (not authentic) or `BadRequest` (cannot be read); nothing else is
raised, whatever comes in. Source: docs of the three platforms on message encryption, read 2026-11; own policy on order.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channel import BadRequest, Forbidden
from bot.secret import Secret

BLOCK_BYTES = 32
"""Padding goes to multiples of 32, not of the cipher's 16."""
_RANDOM_BYTES = 16
_HEAD_BYTES = _RANDOM_BYTES + 4
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


def is_aes_key(text: str) -> bool:
    """Tell whether a text can be an EncodingAESKey: 43 letters and digits."""
    return _AES_KEY.fullmatch(text) is not None


def sign(*parts: str) -> str:
    """Give the SHA-1 of the parts in byte order, as 40 lower-case hexadecimal digits."""
    # The order of texts is that of their UTF-8 bytes. errors="replace": a lone surrogate in a query must end as a wrong
    # signature, not as an exception.
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare two signatures in constant time, on bytes (text comparison fails on non-ASCII input)."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def hmac_sha256(secret: Secret, message: str) -> str:
    """Give the HMAC-SHA256 of a message in plain base64 (DingTalk robots and cards)."""
    digest = hmac.new(secret.reveal().encode(), message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def sign_dingtalk(timestamp_ms: str, secret: Secret) -> str:
    """Give the header sign of a DingTalk robot: the secret is key and part of the message."""
    return hmac_sha256(secret, f"{timestamp_ms}\n{secret.reveal()}")


class Envelope:
    """The encrypted envelope of one account: verify, decrypt, encrypt.

    `receive_id` is the appid (WeChat), corpid or suite id (WeCom, may be empty) or appKey (DingTalk).
    """

    __slots__ = ("_cipher", "_random", "_receive_id", "_token")

    def __init__(self, token: Secret, aes_key: Secret, receive_id: str, *, random: Callable[[int], bytes] = os.urandom) -> None:
        # The 43rd character may carry unused bits (the official sample of WeCom does): a lenient decoder is right here.
        key = base64.b64decode(aes_key.reveal() + "=")
        self._cipher = Cipher(algorithms.AES256(key), modes.CBC(key[:16]))
        self._token = token
        self._receive_id = receive_id.encode()
        self._random = random

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """Give the msg_signature of encrypted traffic."""
        return sign(self._token.reveal(), timestamp, nonce, encrypted)

    def open(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> bytes:
        """Verify, then decrypt; the order is that of the rule, so that nothing unauthentic is decrypted.

        Raises: Forbidden; BadRequest.
        """
        if not is_same(signature, self.sign(timestamp, nonce, encrypted)):
            raise Forbidden("signature")
        return self.decrypt(encrypted)

    def decrypt(self, encrypted: str) -> bytes:
        """Give the message inside; the caller decodes it as strict UTF-8.

        Raises: Forbidden (meant for another account); BadRequest.
        """
        content = _unpad(self._decrypt_blocks(encrypted))
        end = _HEAD_BYTES + int.from_bytes(content[_RANDOM_BYTES:_HEAD_BYTES], "big")
        if len(content) < _HEAD_BYTES or end > len(content):
            raise BadRequest("length")
        if not hmac.compare_digest(content[end:], self._receive_id):
            raise Forbidden("receive_id")
        return content[_HEAD_BYTES:end]

    def encrypt(self, message: str) -> str:
        """Seal a message; gives standard base64."""
        raw = message.encode()
        content = self._random(_RANDOM_BYTES) + len(raw).to_bytes(4, "big") + raw + self._receive_id
        count = BLOCK_BYTES - len(content) % BLOCK_BYTES
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(content + bytes((count,)) * count) + encryptor.finalize()
        return binascii.b2a_base64(sealed, newline=False).decode("ascii")

    def _decrypt_blocks(self, encrypted: str) -> bytes:
        try:
            sealed = binascii.a2b_base64(encrypted, strict_mode=True)
        except ValueError as error:
            raise BadRequest("base64") from error
        if not sealed or len(sealed) % BLOCK_BYTES:
            raise BadRequest("block")
        decryptor = self._cipher.decryptor()
        return decryptor.update(sealed) + decryptor.finalize()


def _unpad(plain: bytes) -> bytes:
    count = plain[-1]
    if not 1 <= count <= BLOCK_BYTES or plain[-count:] != bytes((count,)) * count:
        raise BadRequest("padding")
    return plain[:-count]
