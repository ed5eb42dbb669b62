"""The page's answer to Prometheus."""

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from page.parts import Page


async def metrics(page: Page, _request: Request) -> Response:
    """What is told of the cameras, as text."""
    # In a thread: it lists the quarantine's folder.
    text = await to_thread.run_sync(generate_latest, page.telemetry.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
