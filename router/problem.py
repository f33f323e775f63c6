"""What a client is told when the router itself answers: RFC 9457 problem details, never a value of the request."""

import http

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem document; `code` is stable, for programs."""

    type: str
    title: str
    status: int
    code: str
    detail: str


DETAILS = {
    "malformed": "The request is not valid HTTP/1.1.",
    "version": "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
    "transfer-encoding": "The only transfer coding spoken here is chunked.",
    "target": "The request target is not one this router forwards.",
    "host": "The request target and the Host header name different hosts.",
    "expectation": "The only expectation known here is 100-continue.",
    "no-route": "No route of the policy matches this request; nothing was forwarded.",
    "misdirected": "This door serves public requests only; nothing was kept or forwarded.",
    "shed": "Too many requests of this class at once.",
    "unavailable": "No endpoint that may serve this request is available.",
    "timeout": "The service did not answer in time.",
    "bad-answer": "The service's answer was cut short or was not valid HTTP.",
    "blocked": "The request was stopped before it reached a site that may not hold it.",
    "withdrawn": "A newer policy or topology forbids where this upload was going; the rest was not sent.",
    "body-timeout": "The request body did not arrive in time.",
    "internal": "The router failed; nothing more is known here.",
}


def problem_body(status: int, code: str) -> bytes:
    """The JSON document for `status` and `code` (a key of `DETAILS`)."""
    try:
        title = http.HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return msgspec.json.encode(
        Problem(
            type=f"urn:isthmus:problem:{code}",
            title=title,
            status=status,
            code=code,
            detail=DETAILS[code],
        )
    )


def reason_phrase(status: int) -> bytes:
    """The standard phrase of a status, empty when there is none."""
    try:
        return http.HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
