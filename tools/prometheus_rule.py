"""Writes the alerts for the Prometheus Operator: `python -m tools.prometheus_rule`.

deploy/monitoring/alerts.yml is what is edited; this puts it into an object.
"""

from pathlib import Path

MONITORING = Path(__file__).parents[1] / "deploy" / "monitoring"
_HEAD = """\
# Made of alerts.yml by `python -m tools.prometheus_rule`: change that file instead.
# Its Prometheus must select it; with kube-prometheus-stack add the label `release` that
# yours asks for.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: posture-alerts
  labels:
    app.kubernetes.io/name: posture-alerts
    app.kubernetes.io/part-of: posture-analyzer
spec:
"""


def prometheus_rule() -> str:
    """The object's text."""
    lines = (MONITORING / "alerts.yml").read_text().splitlines()
    rules = lines[next(n for n, line in enumerate(lines) if line == "groups:") :]
    return _HEAD + "".join(f"  {line}".rstrip() + "\n" for line in rules)


def main() -> None:
    """Write it."""
    (MONITORING / "prometheus-rule.yaml").write_text(prometheus_rule())


if __name__ == "__main__":
    main()
