"""Which nodes a pod may run on, by its node selector and required node affinity.

A pod specification is a mapping as in a manifest. Only what this system adds is ever
changed: one expression on `kubernetes.io/hostname` in each node selector term.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

HOSTNAME = "kubernetes.io/hostname"
NAME_FIELD = "metadata.name"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

PodSpec = MutableMapping[str, Any]
Term = MutableMapping[str, Any]


def refusal(
    pod: Mapping[str, Any], labels: Mapping[str, str], *, complete: bool = True
) -> str | None:
    """Why the pod cannot run on a node with these labels, or None when it can.

    With `complete` false only the given labels are known, and what the pod wants of
    others counts as given.
    """
    for key, value in (pod.get("nodeSelector") or {}).items():
        if _known(key, labels, complete) and labels.get(key) != str(value):
            return f"nodeSelector wants {key}={value}"
    terms = required_terms(pod)
    reasons = [_term_refusal(term, labels, complete) for term in terms]
    if terms and all(reasons):
        return f"node affinity wants {' or '.join(filter(None, reasons))}"
    return None


def required_terms(pod: Mapping[str, Any]) -> list[Term]:
    """The node selector terms, of which a node must fit one."""
    where: Any = pod
    for key in ("affinity", "nodeAffinity", REQUIRED):
        where = where.get(key) or {}
    terms: list[Term] = where.get("nodeSelectorTerms") or []
    return terms


def pinned_hostname(pod: Mapping[str, Any]) -> str | None:
    """The host name that every term requires last, as `pin` leaves it, or None."""
    last = {_last_hostname(term) for term in required_terms(pod) if term}
    return last.pop() if len(last) == 1 else None


def pin(pod: PodSpec, hostname: str, before: str | None) -> None:
    """Require `hostname` in every term, in place of `before` if that was ours."""
    unpin(pod, before)
    ours = {"key": HOSTNAME, "operator": "In", "values": [hostname]}
    required = _child(_child(_child(pod, "affinity"), "nodeAffinity"), REQUIRED)
    if not required.get("nodeSelectorTerms"):
        required["nodeSelectorTerms"] = [{}]
        terms = required["nodeSelectorTerms"]
    else:
        # An empty term fits no node at all and must not begin to fit one.
        terms = [term for term in required["nodeSelectorTerms"] if term]
    for term in terms:
        if not term.get("matchExpressions"):
            term["matchExpressions"] = []
        term["matchExpressions"].append(dict(ours))


def unpin(pod: PodSpec, before: str | None) -> None:
    """Take away what `pin` added, and what has become empty by that."""
    if before is None:
        return
    terms = required_terms(pod)
    for term in terms:
        if _last_hostname(term) == before:
            term["matchExpressions"].pop()
            if not term["matchExpressions"]:
                del term["matchExpressions"]
                if len(terms) == 1 and not term:
                    del pod["affinity"]["nodeAffinity"][REQUIRED]


def _last_hostname(term: Mapping[str, Any]) -> str | None:
    expressions = term.get("matchExpressions")
    if not expressions:
        return None
    last = expressions[-1]
    single = last.get("key") == HOSTNAME and last.get("operator") == "In"
    values = last.get("values") or []
    return str(values[0]) if single and len(values) == 1 else None


def _child(parent: MutableMapping[str, Any], key: str) -> MutableMapping[str, Any]:
    if not parent.get(key):
        parent[key] = {}
    child: MutableMapping[str, Any] = parent[key]
    return child


def _term_refusal(
    term: Mapping[str, Any], labels: Mapping[str, str], complete: bool
) -> str | None:
    if not term:
        return "nothing that exists (an empty term)"
    for each in term.get("matchExpressions") or ():
        key = each["key"]
        if _known(key, labels, complete) and not _holds(each, labels.get(key)):
            return _expression(each)
    for each in term.get("matchFields") or ():
        name = labels.get(NAME_FIELD)
        if name is not None and not _holds(each, name):
            return _expression(each)
    return None


def _known(key: str, labels: Mapping[str, str], complete: bool) -> bool:
    return complete or key in labels


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    operator = expression["operator"]
    values = [str(each) for each in expression.get("values") or ()]
    if operator in ("Exists", "DoesNotExist"):
        return bool((value is not None) == (operator == "Exists"))
    if operator in ("Gt", "Lt"):
        return _compares(operator, value, values)
    return bool((value in values) == (operator == "In"))


def _compares(operator: str, value: str | None, values: list[str]) -> bool:
    try:
        number, limit = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > limit if operator == "Gt" else number < limit


def _expression(each: Mapping[str, Any]) -> str:
    values = ", ".join(map(str, each.get("values") or ()))
    return f"{each['key']} {each['operator']}" + (f" [{values}]" if values else "")
