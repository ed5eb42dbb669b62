"""The picture at an address: what IP cameras, ESP32-CAM and Frigate serve."""

import time
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from urllib3.exceptions import HTTPError

from capture.errors import SourceError
from capture.sources.source import LARGEST, is_picture

_CHUNK = 65_536
_REMEDIES = {
    401: "set CAMERA_USER and CAMERA_PASSWORD",
    403: "set CAMERA_USER and CAMERA_PASSWORD, or give that user the right",
    404: "the camera's manual names the address of its snapshot",
}


class Snapshot:
    """One GET for each picture, in time or not at all."""

    def __init__(
        self,
        address: str,
        login: tuple[str | None, str | None],
        token: str | None,
        patience: float,
    ) -> None:
        self._address = address
        self._name = _without_query(address)
        self._login = (login[0] or "", login[1] or "") if any(login) else None
        self._auth: AuthBase | None = None
        self._patience = patience
        self._session = requests.Session()
        self._session.trust_env = False  # the camera is in this network: no proxy
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def picture(self) -> bytes:
        """What the address answers now."""
        until = time.monotonic() + self._patience
        try:
            with self._get() as answer:
                return self._checked(answer, until)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise SourceError(
                f"{self._name} gives no picture: {_why(error)}"
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _get(self) -> requests.Response:
        answer = self._ask()
        if answer.status_code == 401 and self._login and self._auth is None:
            self._auth = _auth(answer, *self._login)
            answer.close()
            answer = self._ask()
        return answer

    def _ask(self) -> requests.Response:
        return self._session.get(
            self._address, auth=self._auth, timeout=self._patience, stream=True
        )

    def _checked(self, answer: requests.Response, until: float) -> bytes:
        status = answer.status_code
        if status != 200:
            remedy = f" ({_REMEDIES[status]})" if status in _REMEDIES else ""
            raise SourceError(f"{self._name} answers {status} {answer.reason}{remedy}")
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("multipart/"):
            raise SourceError(
                f"{self._name} is a stream: name the address of a single picture "
                "(ESP32-CAM: /capture; Frigate: /api/<camera>/latest.jpg)"
            )
        file = self._body(answer, until)
        if not is_picture(file):
            raise SourceError(
                f"{self._name} answers no picture but {kind or 'bytes'}, which begins "
                f"with {file[:8]!r}"
            )
        return file

    def _body(self, answer: requests.Response, until: float) -> bytes:
        file = bytearray()
        # What has come, however little: a whole chunk may never be full.
        while chunk := answer.raw.read1(_CHUNK, decode_content=True):
            file += chunk
            if len(file) > LARGEST:
                raise SourceError(
                    f"{self._name} answers more than {LARGEST // 1_000_000} MB"
                )
            if time.monotonic() > until:
                raise SourceError(
                    f"{self._name} takes longer than {self._patience:g} s for a picture"
                )
        return bytes(file)


def _auth(answer: requests.Response, user: str, password: str) -> AuthBase:
    """What the camera asks for; in UTF-8, as RFC 7617 wants names beyond ASCII."""
    asked = answer.headers.get("WWW-Authenticate", "").lower()
    if "digest" in asked:
        return HTTPDigestAuth(user, password)
    return HTTPBasicAuth(user.encode(), password.encode())


def _without_query(address: str) -> str:
    """The address for messages: tokens are often in the query."""
    return urlsplit(address)._replace(query="", fragment="").geturl()


def _why(error: Exception) -> str:
    """In a few words, without the address, which may hold a token in its query."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not to be trusted"
    if isinstance(error, requests.ConnectionError):
        return "no connection; is it switched on, and the address right?"
    return type(error).__name__
