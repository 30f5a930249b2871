"""The sandbox's page: what a person would see in Slack, Jira and PagerDuty, on one screen, live.

Static files for a browser on this machine; `page.js` draws /_sandbox/state and presses the same
buttons under /_sandbox as everybody else.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "page"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
# Alert titles and messages come from outside: whatever slips through the drawing must not run.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def routes() -> list[BaseRoute]:
    """Give the routes of the page and of the files that it asks for."""
    files = sorted(path for path in FOLDER.iterdir() if path.suffix in KINDS)
    return [
        _route("/", "index.html", "text/html; charset=utf-8"),
        *(_route(f"/{path.name}", path.name, KINDS[path.suffix]) for path in files),
    ]


def _route(path: str, name: str, media_type: str) -> Route:
    content = (FOLDER / name).read_bytes()

    def serve(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=HEADERS)

    return Route(path, serve, methods=["GET"])
