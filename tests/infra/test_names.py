"""Names that others rely on."""

from infra.config import Settings
from infra.names import CONFIG, KUBECONFIG, SITES, STATE
from infra.policy_file import read_policy
from infra.stacks import ROOT


def test_a_socket_in_the_state_directory_has_a_path_the_kernel_takes() -> None:
    """A unix socket's path has at most 107 bytes."""
    assert len(f"{STATE}/admin.sock") <= 107
    assert len({CONFIG, KUBECONFIG, STATE}) == 3


def test_the_sites_are_those_of_the_shipped_policy() -> None:
    """Stacks, labels and policy speak of the same sites."""
    policy, _ = read_policy(Settings(), ROOT)
    assert set(policy.sites) == set(SITES)
