"""Addresses and who answers them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import Scope

from nimblepose.core.errors import PoseError
from nimblepose.serve import about, kserve
from nimblepose.serve.front import Front, Guard, answer_problem
from nimblepose.serve.page import Page
from nimblepose.serve.poses import answer_poses
from nimblepose.serve.problems import ProblemError
from nimblepose.serve.service import Service
from nimblepose.serve.stream import answer_stream

_log = logging.getLogger(__name__)
_TOLD = ["X-Request-ID", "Server-Timing", "Retry-After"]  # headers that pages of other origins may read


def make_app(service: Service, failed: Callable[[PoseError], None]) -> Starlette:
    """The application; the model is loaded once it has begun, and it answers already.

    Args:
        service: What requests share.
        failed: Called if the model cannot be loaded.
    """

    @asynccontextmanager
    async def live(_: Starlette) -> AsyncIterator[None]:
        loading = asyncio.ensure_future(_load(service, failed))
        yield
        await loading
        service.close()

    routes = [
        Route("/v1/poses", answer_poses, methods=["POST"]),
        WebSocketRoute("/v1/stream", answer_stream),
        Route("/v1/model", about.answer_model),
        Route("/openapi.json", about.answer_schema),
        Route("/docs", about.answer_docs),
        Route("/healthz", about.answer_alive),
        Route("/readyz", about.answer_ready),
        Route("/metrics", about.answer_metrics),
        *_list_v2(),
    ]
    if service.options.page is not None:
        routes.append(_Elsewhere("/", Page(service.options.page)))
    middleware = [Middleware(Front, service=service)]
    if service.options.cors:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(service.options.cors),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "X-API-Key", "X-Request-ID", "Content-Type", "Accept"],
                expose_headers=_TOLD,
            )
        )
    middleware.append(Middleware(Guard, service=service))
    app = Starlette(
        routes=routes,
        middleware=middleware,
        lifespan=live,
        exception_handlers=dict.fromkeys((ProblemError, PoseError, HTTPException), answer_problem),
    )
    app.state.service = service
    return app


class _Elsewhere(Mount):
    """Whatever is not of the interface, where a wrong method is to be told as such and not as a missing file."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Starlette's: is it this one's?"""
        return (Match.NONE, {}) if scope["path"].startswith(("/v1/", "/v2")) else super().matches(scope)


def _list_v2() -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route("/v2", kserve.answer_server),
        Route("/v2/", kserve.answer_server),
        Route("/v2/health/live", kserve.answer_live),
        Route("/v2/health/ready", kserve.answer_ready),
    ]
    for model in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        routes += [
            Route(model, kserve.answer_metadata),
            Route(f"{model}/ready", kserve.answer_ready),
            Route(f"{model}/infer", kserve.answer_infer, methods=["POST"]),
        ]
    return routes


async def _load(service: Service, failed: Callable[[PoseError], None]) -> None:
    try:
        await asyncio.to_thread(service.load)
    except PoseError as error:
        failed(error)
    else:
        _log.info("%s is loaded, %d pictures at a time", service.name, service.workers.threads)
