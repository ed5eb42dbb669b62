"""What is wrong with nodes and Jobs, and since when. Pure rules, fed look by look."""

from collections.abc import Iterable, Mapping

from kube.jobs import Job
from kube.nodes import Node
from placement.decision import Reason, since
from placement.settings import HandOverSettings


class Troubles:
    """What has been seen of dead nodes and of pods that fit nowhere."""

    def __init__(self, settings: HandOverSettings) -> None:
        self._settings = settings
        self.lost_since: Mapping[str, float] = {}
        """Nodes of our pods that are not Ready or gone."""

        self.misfit_since: Mapping[str, float] = {}
        """Jobs, by uid, with a pod that fits nowhere."""

        self._refused: dict[str, tuple[float, Reason]] = {}

    @property
    def refused(self) -> dict[str, Reason]:
        """Nodes where a pod did not fit lately, and the scheduler's reason."""
        return {node: reason for node, (_, reason) in self._refused.items()}

    def notice(self, nodes: Iterable[Node], jobs: Iterable[Job], now: float) -> None:
        """Take in what one look at `now` shows."""
        by_name = {node.name: node for node in nodes}
        used = {node for job in jobs for node in job.nodes}
        lost = (each for each in used if not _is_ready(by_name.get(each)))
        self.lost_since = since(self.lost_since, lost, now)
        misfits = {job.uid: job for job in jobs if job.misfit}
        self.misfit_since = since(self.misfit_since, misfits, now)
        self._refuse(by_name, misfits, now)

    def _refuse(
        self, nodes: Mapping[str, Node], misfits: Mapping[str, Job], now: float
    ) -> None:
        # A node that is down or cordoned is passed over for that, and only that long.
        fit = {
            node.hostname: node.name
            for node in nodes.values()
            if node.ready and not node.cordoned
        }
        for uid, begun in self.misfit_since.items():
            node = fit.get(misfits[uid].hostname)
            if node and now - begun >= self._settings.pending_limit:
                # The scheduler counts nodes in what it says.
                kind = "the last pod did not fit there"
                reason = Reason(kind, f"{kind}: {misfits[uid].misfit}")
                self._refused[node] = (now, reason)
        self._refused = {
            node: (at, reason)
            for node, (at, reason) in self._refused.items()
            if now - at < self._settings.min_stay
        }


def _is_ready(node: Node | None) -> bool:
    return node is not None and node.ready
