"""Digests and durable topics: asked of production, both ways, and of nobody else."""

import pytest

from infra.names import PROCESS_IMAGE
from infra.rules.production import check_digests, check_topics
from infra.rules.values import UNKNOWNS
from tests.infra.rules.world import GROUND, deployment, named, resource

DIGEST = "registry.example/isthmus@sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        (DIGEST, False),
        (PROCESS_IMAGE, False),
        (next(iter(UNKNOWNS)), False),
        ("registry.example/isthmus:1.2", True),
        ("isthmus", True),
        ("isthmus@sha256:abc", True),
        (f"{DIGEST}x", True),
        ("", True),
    ],
)
def test_images_have_digests_in_production(image: str, refused: bool) -> None:  # noqa: FBT001
    """Elsewhere a tag will do."""
    body = deployment(container={"image": image})
    made = resource("Deployment", body, stack="prod-public")
    assert bool(list(check_digests(made, GROUND))) is refused
    assert list(check_digests(resource("Deployment", body, stack="dev-public"), GROUND)) == []


def test_containers_that_run_first_count() -> None:
    """Every container is named by itself."""
    body = deployment(container={"image": DIGEST})
    body["spec"]["template"]["spec"]["initContainers"] = [{"name": "first", "image": "busybox"}]
    assert list(check_digests(resource("Deployment", body, stack="prod-public"), GROUND)) == [
        "Deployment shop/ads: container first: image busybox has no digest"
    ]


@pytest.mark.parametrize(
    ("replicas", "insync", "faults"),
    [(3, 2, 0), (3.0, "2", 0), (5, 3, 0), (2, 2, 1), (3, 1, 1), (1, 1, 2), (None, None, 2), (3, None, 1),
     (next(iter(UNKNOWNS)), 2, 0)],
)  # fmt: skip
def test_topics_survive_a_broker_in_production(
    replicas: object, insync: object, faults: int
) -> None:
    """Three copies, two in sync; a number that is not known yet is judged during the run."""
    config = {} if insync is None else {"min.insync.replicas": insync}
    spec = {"config": config} | ({} if replicas is None else {"replicas": replicas})
    made = resource("KafkaTopic", named("clicks", spec=spec), stack="prod-public")
    assert len(list(check_topics(made, GROUND))) == faults
    cloud = {"config": config} | ({} if replicas is None else {"replicationFactor": replicas})
    made = resource("kafka:index/topic:Topic", cloud, stack="prod-public")
    assert len(list(check_topics(made, GROUND))) == faults
    assert (
        list(check_topics(resource("KafkaTopic", named("clicks"), stack="dev-public"), GROUND))
        == []
    )
    assert (
        list(check_topics(resource("Deployment", deployment(), stack="prod-public"), GROUND)) == []
    )
