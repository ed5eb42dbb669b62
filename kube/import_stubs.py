"""Stand-ins for what the kubernetes package imports and a start here does not use."""

import sys
from contextlib import AbstractContextManager
from importlib import import_module
from types import ModuleType
from typing import Any

from common.import_stubs import stood_in

# Two thirds of the processor time that importing the package takes. Each is loaded
# after all, by itself, when something of it is used.
RARELY_USED = (
    # What the package can do beside single calls: its __init__ imports all of it.
    "kubernetes.dynamic",
    "kubernetes.informer",
    "kubernetes.leaderelection",
    "kubernetes.stream",
    "kubernetes.watch",
    # Answers as its own models.
    "kubernetes.client.api_response",
    "pydantic",
    "dateutil.parser",
    # A kubeconfig's user whose OpenID token is to be renewed.
    "oauthlib",
    "oauthlib.oauth2",
    "requests_oauthlib",
)


def rarely_used_later() -> AbstractContextManager[None]:
    """Import kubernetes with what is rarely used put off."""
    return stood_in(RARELY_USED, _LaterModule)


class _LaterModule(ModuleType):
    """Stands in for a module; once that may be imported, gives what it has."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever is asked for
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        if name.startswith("__"):
            raise AttributeError(name)
        return _LaterName(self.__name__, name)


class _LaterName:
    """Stands in for a class or function that has been imported by its name."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        return self._real()(*args, **kwargs)

    def __getitem__(self, _parameter: object) -> "_LaterName":
        return self  # in an annotation

    def __instancecheck__(self, found: object) -> bool:
        # Nothing is an instance of what nobody has imported yet.
        return self._module in sys.modules and isinstance(found, self._real())

    def _real(self) -> Any:  # noqa: ANN401
        return getattr(import_module(self._module), self._name)
