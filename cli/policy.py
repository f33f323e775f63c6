"""`isthmus policy`: check the files, explain one request, print the grammar as JSON Schema."""

import re
import sys
from pathlib import Path
from typing import Annotated, TextIO, cast

import msgspec
import typer

from policy.classify import Classifier
from policy.load import load_policy
from policy.load_topology import load_topology
from policy.model import (
    HeldBody,
    HoldBody,
    Policy,
    RequestHead,
    Sensitivity,
    TrafficClass,
    Verdict,
)
from policy.problems import PolicyError, Problem
from policy.schema import KINDS, FileKind, json_schema
from policy.topology import Topology

USAGE = 2
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What RFC 9110 lets a method be; a client cannot send another."""
AUTHORITY = re.compile(r"[^\s?#]+")

policy_app = typer.Typer(
    name="policy", help="What is sensitive, and which site may hold it.", no_args_is_help=True
)

PolicyArgument = Annotated[Path, typer.Argument(metavar="FILE", help="policy.yaml")]
TopologyOption = Annotated[Path | None, typer.Option(metavar="FILE", help="topology.yaml")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`check --json`."""

    schema: int = 1
    ok: bool
    problems: tuple[Problem, ...]


class ExplainAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`explain --json`; `sites` are those that may serve it, in the topology's order if one was given."""

    schema: int = 1
    policy: str
    traffic_class: TrafficClass
    sensitivity: str
    route: str
    service: str
    reasons: tuple[str, ...]
    sites: tuple[str, ...]


@policy_app.command()
def check(
    file: PolicyArgument, *, topology: TopologyOption = None, as_json: JsonOption = False
) -> None:
    """Check a policy, and a topology against it. Exit: 0 both can be used, 2 they cannot.

    Example: isthmus policy check policy.yaml --topology topology.yaml
    """
    try:
        _load(file, topology)
    except PolicyError as error:
        if as_json:
            _print_json(CheckAnswer(ok=False, problems=error.problems))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error
    if as_json:
        _print_json(CheckAnswer(ok=True, problems=()))
    else:
        typer.echo(f"{file}: ok" if topology is None else f"{file}, {topology}: ok")


@policy_app.command()
def explain(  # noqa: PLR0913 - a request has as many parts as it has
    file: PolicyArgument,
    url: Annotated[str, typer.Argument(help="URL, or a target that starts with /")],
    *,
    method: Annotated[str, typer.Option("--method", "-X", help="Request method.")] = "GET",
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help='"Name: value", repeatable.')
    ] = None,
    body: Annotated[
        str | None, typer.Option(metavar="FILE", help="Body as sent; - reads standard input.")
    ] = None,
    topology: TopologyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how one request would be judged, why, and which sites may serve it. Never prints a value.

    Example: isthmus policy explain policy.yaml http://shop.example/ads?slot=1 -H "Accept: */*"
    """
    try:
        policy, sites = _load(file, topology)
        data = None if body is None else _read(body)
        head = _head(url, method=method, headers=header or [], body=data)
    except PolicyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error
    answer = _answer(policy, sites, _judge(Classifier(policy), head, data))
    if as_json:
        _print_json(answer)
    else:
        _print_answer(answer)


@policy_app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="policy or topology")] = "policy",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The schema is JSON anyway.")] = False,
) -> None:
    """Print the JSON Schema of policy.yaml or topology.yaml, for an editor.

    Example: isthmus policy schema topology > topology.schema.json
    """
    del as_json
    found: FileKind | None = next((known for known in KINDS if known == kind), None)
    if found is None:
        typer.echo(
            f'schema: "{kind}" is no kind of file; expected policy or topology; '
            "fix: isthmus policy schema policy",
            err=True,
        )
        raise typer.Exit(USAGE)
    sys.stdout.buffer.write(json_schema(found))


def _load(file: Path, topology: Path | None) -> tuple[Policy, Topology | None]:
    """Both files, or all that is wrong with both. Raises `PolicyError`."""
    policy = load_policy(_read(str(file)), str(file))
    if topology is None:
        return policy, None
    return policy, load_topology(_read(str(topology)), str(topology), policy)


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return _standard_input()
        return Path(path).read_bytes()
    except OSError as error:
        raise PolicyError(
            [_problem(path, error.strerror or "cannot be read", expected="a readable file",
                      fix="correct the path")]
        ) from error  # fmt: skip


def _standard_input() -> bytes:
    # closed (`<&-`) it is None, whatever its type says
    if cast("TextIO | None", sys.stdin) is None:
        raise PolicyError(
            [_problem("-", "standard input is closed", expected="a body on it", fix="pipe it in")]
        )
    return sys.stdin.buffer.read()


def _problem(file: str, message: str, *, expected: str, fix: str) -> Problem:
    return Problem(
        file=file, line=0, column=0, path="", message=message, expected=expected, fix=fix
    )


def _head(url: str, *, method: str, headers: list[str], body: bytes | None) -> RequestHead:
    """The head as it would arrive; the URL is taken apart without repairing it."""
    if not TOKEN.fullmatch(method):
        raise PolicyError(
            [_problem("--method", f'"{method}" is none', expected="letters such as GET",
                      fix="leave the option out for GET")]
        )  # fmt: skip
    authority, target = _parts(url)
    pairs = [_header(text) for text in headers]
    hosts = [value.decode("latin-1") for name, value in pairs if name.lower() == b"host"]
    if not hosts:
        pairs.insert(0, (b"Host", authority.encode()))
    return RequestHead(
        method=method,
        target=target.encode("utf-8", "surrogateescape"),
        host=hosts[0] if hosts else authority,
        headers=tuple(pairs),
        has_body=body is not None,
        content_length=None if body is None else len(body),
    )


def _parts(url: str) -> tuple[str, str]:
    if url.startswith("/") or url == "*":
        return "localhost", url
    scheme, found, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    if not found or scheme.lower() not in {"http", "https"} or not AUTHORITY.fullmatch(authority):
        raise PolicyError(
            [_problem("URL", f'"{url}" is none', expected="http://HOST/PATH, or a target that starts with /",
                      fix="write for example /ads?slot=1")]
        )  # fmt: skip
    return authority, slash + tail or "/"


def _header(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise PolicyError(
            [_problem("--header", "has no name", expected='"Name: value"', fix="add the colon")]
        )
    return name.strip().encode(), value.strip().encode("utf-8", "surrogateescape")


def _judge(classifier: Classifier, head: RequestHead, body: bytes | None) -> Verdict:
    verdict = classifier.head(head)
    if isinstance(verdict, HoldBody):
        return classifier.body(verdict, head, HeldBody(data=body or b""))
    return verdict


def _answer(policy: Policy, topology: Topology | None, verdict: Verdict) -> ExplainAnswer:
    route = verdict.route
    service = "" if route is None else route.service
    if topology is None:
        candidates = list(policy.sites)
    else:
        candidates = [site.name for site in topology.sites if service in site.services]
    allowed = [site for site in candidates if policy.may_hold(site, verdict.sensitivity)]
    return ExplainAnswer(
        policy=policy.digest,
        traffic_class=verdict.traffic_class,
        sensitivity=Sensitivity(verdict.sensitivity).name.lower(),
        route="" if route is None else route.id,
        service=service,
        reasons=tuple(str(reason) for reason in verdict.reasons),
        sites=tuple(allowed) if route else (),
    )


def _print_answer(answer: ExplainAnswer) -> None:
    where = ", ".join(answer.sites) or "nowhere"
    typer.echo(f"class    {answer.traffic_class}")
    typer.echo(f"route    {answer.route or 'none: the router answers 404 and forwards nothing'}")
    typer.echo(f"service  {answer.service or '-'}")
    typer.echo(f"sites    {where}")
    for reason in answer.reasons:
        typer.echo(f"because  {reason}")


def _print_json(answer: CheckAnswer | ExplainAnswer) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer)) + b"\n")
