"""What is left of a Job's figures when its pod is gone."""

from types import SimpleNamespace

from tests.fixtures.net import free_port, wait_until
from tests.fixtures.prometheus import PrometheusServer
from tests.worker.conftest import GOOD, payload


def test_a_job_that_ends_by_itself_has_told_its_last_figures(
    broker, postgres, start_worker, tmp_path
):
    """In posture-job.yaml: 60 s without a picture, and a scrape every 15 s."""
    port = free_port()
    server = PrometheusServer(tmp_path / "prometheus", scrape=0.5)
    server.scrape(SimpleNamespace(target=f"127.0.0.1:{port}"))
    server.start()
    try:
        wait_until(lambda: server.query("up"), "Prometheus looks for a worker", 30, 0.1)
        worker = start_worker(METRICS_PORT=str(port), EXIT_WHEN_IDLE="4")
        broker.publish("images/desk", payload(GOOD), payload(GOOD), b"none")
        assert worker.wait() == 0
        counts = "sum(max_over_time({}[1h]))"
        for name, count in {"pictures": 2, "refused": 1}.items():
            query = counts.format(f"posture_worker_{name}_total")
            (found,) = server.query(query)
            assert float(found["value"][1]) == count
        # And Prometheus knows that the pod is gone.
        wait_until(lambda: not server.query("posture_worker_connected"), "gone", 30)
    finally:
        server.stop()
