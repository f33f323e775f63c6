"""Command lines are such as the programs take."""

from pathlib import PurePath

from infra.commands import IMAGE_PYTHON, arguments, on_host, python_of
from infra.config import Settings, parse
from infra.documents import SiteFacts
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import Workload, workloads
from marketing.options import parse_options
from tests.infra.stage import fabric_values

POLICY, _ = read_policy(Settings(), ROOT)
SETTINGS = parse(fabric_values())
FACTS = (
    SiteFacts(site="public", networks=("10.1.0.0/16",), kafka=SETTINGS.kafka_public),
    SiteFacts(site="private", networks=("10.2.0.0/16", "10.3.0.0/16"), kafka=("10.2.0.9:9092", "10.2.0.10:9092")),
)  # fmt: skip


def services() -> list[Workload]:
    return [it for it in workloads(SETTINGS, POLICY) if it.serves and not it.router]


def test_every_service_takes_its_arguments() -> None:
    """Its own parser says so, once the pod's name is filled in."""
    for workload in services():
        words = arguments(workload, FACTS)
        assert words[:2] == ["-m", "marketing"]
        options = parse_options(words[2:])
        assert (options.service, options.site, options.port) == (workload.kind, workload.site, 8080)


def test_a_private_service_hears_only_its_own_site() -> None:
    """Its door is shut to every public address; a public one also answers the core router."""
    for workload in services():
        heard = {str(network) for network in parse_options(arguments(workload, FACTS)[2:]).allow}
        private = {"10.2.0.0/16", "10.3.0.0/16"}
        assert heard == (private if workload.site == "private" else private | {"10.1.0.0/16"})


def test_clicks_gets_its_own_sites_brokers() -> None:
    """All of them, never the other site's."""
    found = {
        it.site: parse_options(arguments(it, FACTS)[2:]).kafka for it in services() if it.kind == "clicks"
    }  # fmt: skip
    assert found == {"public": "10.1.0.9:9092", "private": "10.2.0.9:9092,10.2.0.10:9092"}


def test_a_dsn_stands_on_no_command_line() -> None:
    """Only the name of a variable does."""
    orders = next(it for it in services() if it.kind == "orders")
    assert "$(LEDGER_DSN)" in arguments(orders, FACTS)
    assert not any("10.2.0.8" in word for word in arguments(orders, FACTS))


def test_the_interpreter_is_the_checkouts_or_the_images() -> None:
    """By the image's name, tags and digests included."""
    root = PurePath("/srv/isthmus")
    assert python_of(Settings(), root) == "/srv/isthmus/.venv/bin/python"
    assert python_of(Settings(image="r.example/isthmus:1"), root) == IMAGE_PYTHON
    assert on_host(Settings(image="isthmus.local/process:1"))
    assert not on_host(Settings(image="isthmus.local/process-not"))
