"""`isthmus autoscale`: what promotions would do and cost, and calendars as objects to apply."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml

from autoscale.calendars import read_promotions
from autoscale.manifest import manifest_of
from autoscale.places import PromotionFileError
from autoscale.plan.durations import seconds
from autoscale.plan.model import Observed, PoolObserved, Timing, WorkloadObserved
from autoscale.plan.rehearsal import rehearse, unknown
from autoscale.plan_report import report_of
from autoscale.wall_clock import WallClockError, moment_of
from cli.autoscale_table import show
from contracts.promotion import Promotion, promotion_key
from policy.problems import did_you_mean

NEGATIVE, USAGE = 1, 2

autoscale_app = typer.Typer(
    name="autoscale",
    help="Nodes and replicas before a sale, released after it.",
    no_args_is_help=True,
)

FilesOption = Annotated[
    list[Path],
    typer.Option(
        "--file", "-f", help="Promotions: manifest or calendar, .yaml or .csv; - is stdin."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


@autoscale_app.command()
def plan(  # noqa: PLR0913 - an option each
    *,
    file: FilesOption,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="Replicas a workload has now; 1 where not said."),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N/MAX", help="Nodes a pool has now and may have, e.g. ads=3/20."
        ),
    ] = None,
    node_start: Annotated[
        str, typer.Option(help="How long a node takes to be ready (p95).")
    ] = "10m",
    pod_start: Annotated[str, typer.Option(help="How long a pod takes to be ready (p95).")] = "2m",
    price: Annotated[float | None, typer.Option(help="Price of a node-hour.", min=0)] = None,
    now: Annotated[str | None, typer.Option(help="As if it were that moment.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Hour by hour what would happen and cost; nothing is applied. Exit: 0 it fits, 1 something stands in the way, 2 a file is wrong.

    Example: isthmus autoscale plan -f promo.yaml --pool ads=3/20 --replicas ad-service=4 --price 0.35
    """
    try:
        promotions = _read(file)
        observed = _observed(promotions, replicas or [], pool or [])
        timing = Timing(node_default_s=_duration(node_start), pod_default_s=_duration(pod_start))
        begins = datetime.now(UTC) if now is None else moment_of(now, None)
    except (PromotionFileError, OptionError, WallClockError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error
    report = report_of(promotions, rehearse(begins, promotions, observed, timing=timing))
    if as_json:
        _write_json(report)
    else:
        show(report, price)
    if not report.ok:
        raise typer.Exit(NEGATIVE)


@autoscale_app.command()
def promotions(*, file: FilesOption, as_json: JsonOption = False) -> None:
    """Turn a calendar into objects for kubectl. Exit: 0 done, 2 a file is wrong.

    Example: isthmus autoscale promotions -f calendar.csv | kubectl apply -f -
    """
    try:
        found = [manifest_of(one) for one in _read(file)]
    except (PromotionFileError, OptionError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error
    if as_json:
        _write_json({"apiVersion": "v1", "kind": "List", "items": found})
    else:
        sys.stdout.write(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True))


def _write_json(what: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(what), indent=2).decode() + "\n")


class OptionError(Exception):
    """An option that cannot be used: what it was, what was expected, and the fix."""


def _read(files: Sequence[Path]) -> tuple[Promotion, ...]:
    found: dict[str, Promotion] = {}
    for path in files:
        try:
            data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        except OSError as error:
            raise OptionError(
                f"{path}: {error.strerror}; expected a file of promotions; fix: name the right file"
            ) from error
        for one in read_promotions(data, str(path)):
            key = promotion_key(one)
            if key in found:
                raise OptionError(
                    f"{path}: {key} stands in another file too; expected each once; fix: rename one"
                )
            found[key] = one
    return tuple(found.values())


def _observed(
    promotions: Sequence[Promotion], replicas: Sequence[str], pools: Sequence[str]
) -> Observed:
    workloads = unknown(promotions)
    for text in replicas:
        name, count = _pair("--replicas", text, "NAME=N")
        known = [key for key in workloads if name in {key, key.rpartition("/")[2]}]
        if not known:
            names = [key.rpartition("/")[2] for key in workloads]
            raise OptionError(
                f"--replicas {text}: no promotion names {name}; expected a workload; fix: {did_you_mean(name, names)}"
            )
        there = _number("--replicas", text, count)
        for key in known:
            workloads[key] = WorkloadObserved(replicas=there, ready=there, floor=there)
    found = dict(_pool(text) for text in pools)
    return Observed(workloads=workloads, pools=_every_pool(promotions) | found)


def _every_pool(promotions: Sequence[Promotion]) -> dict[str, PoolObserved]:
    named = [entry.pool for one in promotions for entry in one.spec.nodes]
    named += [item.pool for one in promotions for item in one.spec.workloads if item.pool]
    return {name: PoolObserved(ready=0) for name in named}


def _pool(text: str) -> tuple[str, PoolObserved]:
    name, count = _pair("--pool", text, "NAME=N/MAX")
    ready, _, most = count.partition("/")
    nodes = _number("--pool", text, ready)
    maximum = _number("--pool", text, most) if most else None
    return name, PoolObserved(ready=nodes, minimum=nodes, maximum=maximum)


def _pair(option: str, text: str, shape: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise OptionError(f"{option} {text}: no name; expected {shape}; fix: write {shape}")
    return name, value


def _number(option: str, text: str, value: str) -> int:
    if not value.isdecimal():
        raise OptionError(
            f"{option} {text}: {value!r} is no count; expected a whole number; fix: write digits"
        )
    return int(value)


def _duration(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise OptionError(f"{error}; fix: write it like that") from error
