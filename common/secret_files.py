"""The file of a secret, whatever editor it was written with."""

import codecs
from pathlib import Path


def read_secret(path: str) -> str:
    """The secret in the first line of a file; UTF-8, or UTF-16 with its mark.

    Raises:
        ValueError: there is none, or not beyond doubt; says what is wrong.
    """
    try:
        first, *_ = _decode(Path(path).read_bytes()).split("\n", 1)
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    secret = first.removesuffix("\r")
    if not secret:
        raise ValueError("its first line is empty")
    if not secret.isprintable():
        raise ValueError("its first line has characters that cannot be seen")
    # To guess which is meant would end in a refused login that nobody understands.
    if secret != secret.strip():
        raise ValueError(
            "its first line begins or ends with a blank: remove it, or give a secret "
            "that really has one in the variable itself"
        )
    return secret


def _decode(content: bytes) -> str:
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        return content.decode("utf-16" if content.startswith(marks) else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8: save it so") from None
