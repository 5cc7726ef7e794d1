"""`/`: the page that finds people in the browser, or asks this server."""

import re
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}  # whatever the system says
_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')


class Page(StaticFiles):
    """Files of `nimblepose.web.site.write_site`, with the headers that make threads of the page's runtime possible."""

    def __init__(self, folder: Path) -> None:
        """Of a folder that has been written."""
        super().__init__(directory=folder, html=True)
        policy = _POLICY.search((folder / "index.html").read_text("utf-8"))
        self._headers = {
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": f"{policy[1] if policy else ''}; frame-ancestors 'none'",
            "Cache-Control": "no-cache",  # asked for again each time, and not sent again if it is the same
        }

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or the problem that there is none."""
        response = await super().get_response(path, scope)
        kind = _TYPES.get(Path(path).suffix)
        for name, value in {**self._headers, **({"Content-Type": kind} if kind else {})}.items():
            response.headers[name] = value
        return response
