"""How many pods of a workload every service in front of it sends to: readyReplicas alone is a promise. Pure."""

import re
from collections.abc import Iterable

from autoscale.kube.objects import EndpointSlice, Scalable, Service

HASHED = r"-[a-z0-9]{1,10}-[a-z0-9]{5}"
"""What a Deployment's pods have behind its name; a StatefulSet's have a number."""


def serving_pods(
    workload: Scalable, services: Iterable[Service], slices: Iterable[EndpointSlice]
) -> int | None:
    """The fewest ready pods of it in any service's endpoints; None when no service selects them."""
    meta, labels = workload.metadata, workload.spec.template.metadata.labels
    fronts = {
        one.metadata.name: set[str]() for one in services
        if one.metadata.namespace == meta.namespace and one.spec.selector
        and one.spec.selector.items() <= labels.items()
    }  # fmt: skip
    if not fronts:
        return None
    mine = re.compile(rf"{re.escape(meta.name)}({HASHED}|-[0-9]+)")
    for part in slices:
        found = fronts.get(part.service)
        if found is None or part.metadata.namespace != meta.namespace:
            continue
        for endpoint in part.endpoints or ():
            ref = endpoint.target_ref
            if (
                ref is not None
                and mine.fullmatch(ref.name)
                and endpoint.conditions.ready is not False
            ):
                found.add(ref.name)
    return min(len(found) for found in fronts.values())
