"""Signatures: who stands behind a run folder, in the format of OpenSSH.

The keys are those of `ssh-keygen -t ed25519`; what is signed is the whole of `audit.jsonl`, which names every output
by its hash. The signature lies beside it as `audit.jsonl.sig`, so whoever has OpenSSH needs no gridmap to check it:

    ssh-keygen -Y verify -f allowed_signers -I NAME -n gridmap -s audit.jsonl.sig < audit.jsonl

Keys, curve and hashes are the `cryptography` library's; here is only the envelope around them (PROTOCOL.sshsig of
OpenSSH), a dozen fields of known length.

Source: RFC 8032 (Ed25519); OpenSSH, PROTOCOL.sshsig; RFC 4251 section 5 (strings on the wire).
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

from gridmap._extras import needs_extras
from gridmap.errors import InputError, ReadError
from gridmap.messages import Note

__all__ = ["NAMESPACE", "Sign", "fingerprint", "is_signed", "read_public_keys", "signed_with", "signer_of"]

#: From the bytes to be signed to the text of a signature.
Sign = Callable[[bytes], str]
NAMESPACE = "gridmap"  # a signature that was made for something else, such as a commit, is none of a run
KIND, HASH, MAGIC = b"ssh-ed25519", b"sha512", b"SSHSIG"
LARGEST = 100_000  # bytes of a file of keys
_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END SSH SIGNATURE-----\s*\Z")


def signer_of(key: str | Path, *, passphrase: Callable[[], str] | None = None) -> Sign:
    """A function that signs with a private key of OpenSSH.

    Parameters
    ----------
    key : str or Path
        As `ssh-keygen -t ed25519` writes it.
    passphrase : callable, optional
        Gives the passphrase of a locked key.

    Raises
    ------
    ReadError
        If it cannot be read, is locked, or is of another kind.
    MissingPackageError
        If `cryptography` is not installed.
    """
    with needs_extras():
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
    data = _small_file(Path(key))
    try:
        try:
            private = load_ssh_private_key(data, password=None)
        except (ValueError, TypeError) as error:
            if passphrase is None or "password" not in str(error).lower():
                raise
            private = load_ssh_private_key(data, password=passphrase().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ReadError(Note("signatures.no_private_key", file=Path(key).name)) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ReadError(Note("signatures.no_private_key", file=Path(key).name))
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = _string(KIND) + _string(raw)

    def sign(message: bytes) -> str:
        signature = _string(KIND) + _string(private.sign(_signed_part(message)))
        blob = MAGIC + struct.pack(">I", 1) + b"".join(map(_string, (public, NAMESPACE.encode(), b"", HASH, signature)))
        text = base64.b64encode(blob).decode()
        lines = "\n".join(text[i : i + 70] for i in range(0, len(text), 70))
        return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n"

    return sign


def read_public_keys(path: str | Path) -> list[bytes]:
    """The Ed25519 keys of a file: a `.pub`, or a list of them such as `allowed_signers`.

    Raises
    ------
    ReadError
        If there is none.
    """
    text = _small_file(Path(path)).decode("utf-8", "replace")
    keys = []
    for line in text.splitlines():
        found = None if line.lstrip().startswith("#") else re.search(r"(?:^|\s)ssh-ed25519\s+([A-Za-z0-9+/=]+)", line)
        if found and (key := _public_of(_from_base64(found[1]) or b"")) is not None:
            keys.append(key)
    if not keys:
        raise ReadError(Note("signatures.no_public_key", file=Path(path).name))
    return keys


def signed_with(text: str) -> tuple[bytes, bytes] | None:
    """The public key that a signature names, and the signature itself; None where it is not one of a run."""
    armour = _ARMOUR.match(text)
    blob = _from_base64("".join(armour[1].split())) if armour else None
    if blob is None or not blob.startswith(MAGIC + struct.pack(">I", 1)):
        return None
    parts = _strings(blob[len(MAGIC) + 4 :])
    if parts is None or len(parts) != 5 or parts[1:4] != [NAMESPACE.encode(), b"", HASH]:
        return None
    key, signature = _public_of(parts[0]), _strings(parts[4])
    if key is None or signature is None or len(signature) != 2 or signature[0] != KIND or len(signature[1]) != 64:
        return None
    return key, signature[1]


def is_signed(message: bytes, key: bytes, signature: bytes) -> bool:
    """Whether a signature is that of a key over a message.

    Raises
    ------
    MissingPackageError
        If `cryptography` is not installed.
    """
    with needs_extras():
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _signed_part(message))
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(key: bytes) -> str:
    """A public key in short, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(_string(KIND) + _string(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _signed_part(message: bytes) -> bytes:
    digest = hashlib.sha512(message).digest()
    return MAGIC + b"".join(map(_string, (NAMESPACE.encode(), b"", HASH, digest)))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes) -> list[bytes] | None:
    """The strings that follow each other in `data`; None where something is left over."""
    found = []
    while data:
        if len(data) < 4 or len(data) < 4 + (n := struct.unpack(">I", data[:4])[0]):
            return None
        found.append(data[4 : 4 + n])
        data = data[4 + n :]
    return found


def _public_of(blob: bytes) -> bytes | None:
    parts = _strings(blob)
    return parts[1] if parts is not None and len(parts) == 2 and parts[0] == KIND and len(parts[1]) == 32 else None


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _small_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InputError(Note("signatures.no_key_file", file=str(path)))
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise ReadError(Note("signatures.unreadable", file=str(path), why=error.strerror or error)) from None
