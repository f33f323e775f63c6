"""How a service says no: RFC 9457 problem documents that never repeat what the client sent."""

import http
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProblemError(Exception):
    """A refusal with its HTTP status; `detail` names what was expected, never a value that was sent."""

    def __init__(self, status: int, detail: str, *, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s


def problem_response(problem: ProblemError) -> web.Response:
    """The answer for `problem`, with `Retry-After` when trying again makes sense."""
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    headers = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s else None
    return web.Response(
        body=msgspec.json.encode(body),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers=headers,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn `ProblemError` and aiohttp's own refusals (404, 405, 413) into problem documents."""
    try:
        return await handler(request)
    except ProblemError as problem:
        return problem_response(problem)
    except web.HTTPException as refusal:
        response = problem_response(
            ProblemError(refusal.status, "this service has no such resource")
        )
        if allow := refusal.headers.get("Allow"):
            response.headers["Allow"] = allow
        return response
