"""Signatures and AES envelopes of the platforms, written from their published rules.

A second, separate implementation on purpose: it judges the product's own.
Source: protocols.md sections 1 and 4.1; WeChat and DingTalk message encryption pages.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK_BYTES = 32  # the platforms pad to 32, not to the 16 of AES
PREFIX_BYTES = 16  # random bytes before the length
HEAD_BYTES = PREFIX_BYTES + 4


class EnvelopeError(Exception):
    """The envelope cannot be opened or does not carry the right signature."""


def signature(*parts: str) -> str:
    """Hash the parts in ascending byte order (token, timestamp, nonce and, if encrypted, the ciphertext)."""
    joined = b"".join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined).hexdigest()  # noqa: S324 - the platforms' own rule


def robot_sign(timestamp_ms: str, secret: str) -> str:
    """Sign a DingTalk robot call: base64 of HMAC-SHA256 over timestamp, newline, secret."""
    return hmac_base64(secret, f"{timestamp_ms}\n{secret}")


def hmac_base64(key: str, text: str) -> str:
    """Give base64 of HMAC-SHA256 of a text."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Seals and opens the messages of one account."""

    token: str
    aes_key: str
    receive_id: str

    def encrypt(self, plaintext: bytes, random16: bytes | None = None) -> str:
        """Seal a message; base64 text comes out."""
        head = (random16 or os.urandom(PREFIX_BYTES)) + struct.pack(">I", len(plaintext))
        frame = head + plaintext + self.receive_id.encode()
        pad = BLOCK_BYTES - len(frame) % BLOCK_BYTES
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(frame + bytes([pad]) * pad) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted: str) -> bytes:
        """Open a message. Raises: EnvelopeError."""
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise EnvelopeError("not base64") from error
        if not sealed or len(sealed) % BLOCK_BYTES:
            raise EnvelopeError("length is no multiple of 32")
        decryptor = self._cipher().decryptor()
        return self._unframe(decryptor.update(sealed) + decryptor.finalize())

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """Sign a sealed message."""
        return signature(self.token, timestamp, nonce, encrypted)

    def _cipher(self) -> Cipher[CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(AES(key), CBC(key[:16]))

    def _unframe(self, frame: bytes) -> bytes:
        pad = frame[-1]
        if not 1 <= pad <= BLOCK_BYTES or frame[-pad:] != bytes([pad]) * pad:
            raise EnvelopeError("bad padding")
        body = frame[:-pad]
        if len(body) < HEAD_BYTES:
            raise EnvelopeError("too short")
        end = HEAD_BYTES + int(struct.unpack(">I", body[PREFIX_BYTES:HEAD_BYTES])[0])
        if end > len(body) or body[end:] != self.receive_id.encode():
            raise EnvelopeError("wrong receiver or length")
        return body[HEAD_BYTES:end]
