"""The whole system on a real control plane, through what can happen to it.

    make e2e
    make e2e SCENES="life node-dead" SEED=3

Real API server, controllers, scheduler, Prometheus, Mosquitto and PostgreSQL. Kubelets
of the tests run each pod's process as the pod's specification asks. The GPU loads are
those of boards whose files the shipped node agent reads. KEDA is its stand-in, or the
operator that KEDA_BIN names (with its CRDs in KEDA_CRDS). The launcher puts scaler and
watcher into the cluster; cameras note each picture that the broker has acknowledged,
and in the end each of them has exactly one row.
"""
