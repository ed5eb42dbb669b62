"""What cannot be kept offline is said; tests/worker/test_network.py has the rest."""

import platform

from posture.worker.seccomp import go_offline


def test_a_machine_that_is_not_known_is_left_alone_and_the_remedy_is_said(
    monkeypatch, caplog
):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not go_offline()
    assert "unknown on riscv64" in caplog.text
    assert "docs/privacy.md" in caplog.text
