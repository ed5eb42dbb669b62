"""KEDA's own metrics, as its operator tells them of a ScaledJob.

There is no KEDA here, so its names and labels are written down: those of KEDA 2.21,
where they are made (pkg/metricscollector/prommetrics.go) and documented
(https://keda.sh/docs/latest/integrations/prometheus/).
"""

_NAME = "posture-analyzer-scaledjob"
_TRIGGER = (
    f'{{namespace="default",metric="s0-gpu_trigger",scaledObject="{_NAME}",'
    'scaler="ExternalScaler",triggerIndex="0",type="scaledjob"}'
)
METRICS = {
    "keda_scaler_metrics_value": _TRIGGER,
    "keda_scaler_metrics_latency_seconds": _TRIGGER,
    "keda_scaler_active": _TRIGGER,
    "keda_scaler_detail_errors_total": _TRIGGER,
    "keda_scaled_job_errors_total": f'{{namespace="default",scaledJob="{_NAME}"}}',
    "keda_internal_scale_loop_latency_seconds": (
        f'{{namespace="default",type="scaledjob",resource="{_NAME}"}}'
    ),
}
LINES = [f"{name}{labels} 1" for name, labels in METRICS.items()]
