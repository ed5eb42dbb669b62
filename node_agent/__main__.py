"""`python -m node_agent`: tells at /metrics how busy this node's GPU and CPU are."""

import logging
import os
from collections.abc import Sequence

from common import options
from common.errors import OperatorError
from common.options import SettingsError
from common.parser import Parser
from common.signals import Stop, on_stop_signals
from node_agent.agent import Agent
from node_agent.exposition import render
from node_agent.port import Port
from node_agent.settings import AgentSettings

log = logging.getLogger("node_agent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Look and tell until a signal comes.

    Exit codes: 0 ended by a signal, 1 no port, 2 wrong settings.
    """
    parser = Parser(prog="python -m node_agent", description=__doc__)
    options.add_arguments(parser, AgentSettings)
    try:
        settings = options.read(AgentSettings, parser.parse_args(arguments), os.environ)
    except SettingsError as error:
        parser.exit(2, f"{error}\n")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(message)s"
    )
    try:
        _run(settings)
    except OperatorError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
        return 1
    return 0


def _run(settings: AgentSettings) -> None:
    stop = Stop()
    on_stop_signals(stop.set)
    agent = Agent(settings)

    def metrics() -> tuple[int, str]:
        return 200, render(agent.tell(), settings.node)

    def health() -> tuple[int, str]:
        trouble = agent.trouble()
        return (503, f"{trouble}\n") if trouble else (200, "ok\n")

    port = Port(
        settings.address, settings.port, {"/metrics": metrics, "/healthz": health}
    )
    log.info("node %s, /metrics on port %d", settings.node, port.port)
    while not stop.wait(settings.interval):
        agent.look()
    port.close()


if __name__ == "__main__":
    raise SystemExit(main())
