"""Stand-ins for what the kubernetes package imports and a start here does not use."""

import sys
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any

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


class RarelyUsedLater:
    """Puts off what is rarely used while kubernetes is imported."""

    def __enter__(self) -> None:
        self._stood_in = [name for name in RARELY_USED if name not in sys.modules]
        for name in self._stood_in:
            sys.modules[name] = _LaterModule(name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in self._stood_in:
            del sys.modules[name]


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
