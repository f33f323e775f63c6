"""What production asks for beyond the rest: images that cannot change, and topics that survive a broker. Pure."""

import re
from collections.abc import Iterator

from infra.names import PROCESS_IMAGE
from infra.rules.ground import Ground
from infra.rules.resource import CLOUD_TOPICS, TOPICS, Resource, containers, objects
from infra.rules.rule import Rule
from infra.rules.values import Mark, Value, at, number, text

REPLICATION_MIN = 3
INSYNC_MIN = 2
"""With three copies and two that must have it, one broker may die without a loss and without a stop."""

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def check_digests(resource: Resource, ground: Ground) -> Iterator[str]:
    """Each container whose image is named by a tag; the image of process nodes is never pulled."""
    if not ground.is_production(resource):
        return
    for found in objects(resource):
        for container in containers(found):
            image = container.get("image")
            if isinstance(image, Mark) or image == PROCESS_IMAGE:
                continue
            if not _DIGEST.search(text(image)):
                yield f"{found}: container {text(container.get('name'))}: image {text(image) or '(none)'} has no digest"


def check_topics(resource: Resource, ground: Ground) -> Iterator[str]:
    """Each topic with fewer copies than production needs."""
    if not ground.is_production(resource):
        return
    if resource.type in CLOUD_TOPICS:
        copies = resource.props.get("replicationFactor")
        yield from _durability(f"topic {resource.name}", copies, resource.props.get("config"))
    for found in objects(resource):
        if found.kind in TOPICS:
            copies = at(found.body, "spec", "replicas")
            yield from _durability(str(found), copies, at(found.body, "spec", "config"))


def _durability(what: str, copies: Value, config: Value) -> Iterator[str]:
    wanted = (
        ("replication factor", copies, REPLICATION_MIN),
        ("min.insync.replicas", at(config, "min.insync.replicas"), INSYNC_MIN),
    )
    for name, value, least in wanted:
        if not isinstance(value, Mark) and (number(value) or 0) < least:
            yield f"{what}: {name} is {value if value is not None else 'not set'}, below {least}"


DIGESTS = Rule(
    id="image-digests",
    demand="In production every image is named by its digest.",
    remediation="name the image as REPOSITORY@sha256:DIGEST (isthmus:image)",
    check=check_digests,
)
TOPIC_DURABILITY = Rule(
    id="topic-durability",
    demand=f"In production every topic has {REPLICATION_MIN} copies and min.insync.replicas {INSYNC_MIN}.",
    remediation=f"set replicas: {REPLICATION_MIN} and config min.insync.replicas: {INSYNC_MIN}; producers use acks=all",
    check=check_topics,
)
