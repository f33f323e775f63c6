"""What objects, pods, containers and label places a resource has."""

from infra.rules.resource import containers, is_set, label_places, objects, pod_templates
from infra.rules.values import Mark
from tests.infra.rules.world import deployment, named, resource


def test_the_urn_tells_the_stack_and_the_type_its_package() -> None:
    """Also of a component's child, whose type names its parents."""
    it = resource("Secret", stack="prod-private")
    assert (it.stack, it.package) == ("prod-private", "kubernetes")


def test_lists_and_patches_are_what_they_hold() -> None:
    """A Secret in a List is a Secret; a patch counts as its object; components and providers hold none."""
    (found,) = objects(resource("DeploymentPatch", deployment()))
    assert (found.kind, found.name, found.namespace) == ("Deployment", "ads", "shop")
    held = list(objects(resource("SecretList", {"items": [named("a"), {"kind": "Secret"}, "?"]})))
    assert [str(it) for it in held] == ["Secret shop/a", "Secret default/(generated)"]
    assert list(objects(resource("pulumi:providers:kubernetes"))) == []
    assert list(objects(resource("kubernetes:yaml/v2:ConfigGroup"))) != []


def test_every_place_of_labels_is_named() -> None:
    """Pods and claims carry labels of their own: the object's do not reach them."""

    def places(kind: str, body: dict[str, object]) -> list[str]:
        (found,) = objects(resource(kind, body))
        return [place for place, _ in label_places(found)]

    assert places("ConfigMap", named("c")) == ["metadata.labels"]
    assert places("Pod", named("p")) == ["metadata.labels"]
    assert places("Deployment", deployment()) == [
        "metadata.labels",
        "spec.template.metadata.labels",
    ]
    assert places("CronJob", named("c")) == [
        "metadata.labels",
        "spec.jobTemplate.metadata.labels",
        "spec.jobTemplate.spec.template.metadata.labels",
    ]
    claims = deployment(volumeClaimTemplates=[{}, {}])
    assert places("StatefulSet", claims)[2:] == [
        "spec.volumeClaimTemplates[0].metadata.labels",
        "spec.volumeClaimTemplates[1].metadata.labels",
    ]


def test_containers_are_found_in_every_kind_of_workload() -> None:
    """First ones too; nothing is a container that is no map."""
    pod = {"spec": {"initContainers": [{"name": "first"}], "containers": [{"name": "main"}, "?"]}}
    for kind, body in (
        ("Pod", pod),
        ("Deployment", {"spec": {"template": pod}}),
        ("CronJob", {"spec": {"jobTemplate": {"spec": {"template": pod}}}}),
    ):
        (found,) = objects(resource(kind, body))
        assert [it["name"] for it in containers(found)] == ["first", "main"]
    (release,) = objects(resource("Release", {}))
    assert list(pod_templates(release)) == []


def test_a_mark_is_something() -> None:
    """Hidden and unknown values are set; empty text is not."""
    assert is_set(Mark.HIDDEN)
    assert is_set(0)
    assert not is_set("")
    assert not is_set(None)
