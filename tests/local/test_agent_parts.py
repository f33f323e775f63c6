"""Containers and volumes as the API server writes them."""

import msgspec

from local.agent_parts import Container, Volume

CONTAINER = b"""{"name":"c","image":"i","command":["a"],"args":["b"],"workingDir":"/w",
"env":[{"name":"A","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],
"envFrom":[{"prefix":"P","secretRef":{"name":"s"}}],"volumeMounts":[{"name":"v","mountPath":"/m","subPath":"x"}],
"readinessProbe":{"httpGet":{"path":"/h","port":"http","scheme":"HTTP"},"periodSeconds":1},
"lifecycle":{"preStop":{"sleep":{"seconds":3}}},"resources":{"limits":{"cpu":"1"}},
"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}]}"""


def test_a_container_is_read() -> None:
    """Names in the API's spelling, probe defaults in its numbers."""
    one = msgspec.json.decode(CONTAINER, type=Container)
    assert one.working_dir == "/w"
    assert one.env[0].value_from is not None
    assert one.env[0].value_from.field_ref is not None
    assert one.env_from[0].secret_ref is not None
    assert one.volume_mounts[0].sub_path == "x"
    probe = one.readiness_probe
    assert probe is not None
    assert probe.http_get is not None
    assert (probe.http_get.port, probe.period_seconds, probe.failure_threshold) == ("http", 1, 3)
    assert one.lifecycle.pre_stop is not None
    assert one.lifecycle.pre_stop.sleep is not None


def test_volumes_of_every_kind_are_read_and_an_unknown_one_is_none_of_them() -> None:
    """`downwardAPI` is spelt unlike the rest; a Secret is named differently when projected."""
    volumes = msgspec.json.decode(
        b"""[{"name":"a","configMap":{"name":"c","items":[{"key":"k","path":"p"}]}},
        {"name":"b","secret":{"secretName":"s","defaultMode":420}},{"name":"c","emptyDir":{}},
        {"name":"d","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.name"}}]}},
        {"name":"e","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":3607}},
        {"secret":{"name":"s"}},{"downwardAPI":{"items":[]}}]}},{"name":"f","hostPath":{"path":"/x"}}]""",
        type=tuple[Volume, ...],
    )
    conf, secret, empty, downward, projected, unknown = volumes
    assert conf.config_map is not None
    assert secret.secret is not None
    assert secret.secret.secret_name == "s"
    assert empty.empty_dir is not None
    assert downward.downward_api is not None
    assert projected.projected is not None
    assert projected.projected.sources[2].downward_api is not None
    assert unknown == Volume(name="f")
