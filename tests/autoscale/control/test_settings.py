"""The settings file."""

import json

import pytest

from autoscale.control.settings import SettingsError, read_settings


def read(**plain: object):
    return read_settings(json.dumps(plain).encode(), "a.json")


def test_an_empty_file_is_a_controller_in_its_own_cluster() -> None:
    """Every key has a default that works; a handover within 5 s among them."""
    found = read()
    assert (found.kubeconfig, found.pools) == ("", ())
    assert found.lease.duration_s + 2 * found.lease.retry_s <= 5


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"pool": []}, "pool"),
        ({"pools": [{"name": "a", "strategy": "magic"}]}, r"\$.pools\[0\].strategy"),
        ({"pools": [{"name": "a"}, {"name": "a"}]}, "a name stands twice"),
        ({"pools": [{"name": "a", "strategy": "group"}]}, "expected cloud, cluster and group"),
        ({"pools": [{"name": "a", "maximum": -1}]}, "maximum"),
        ({"lease": {"renew_s": 9}}, "two replicas write at once"),
        ({"listen": "8080"}, "expected host:port"),
        ({"listen": "host:99999"}, "expected host:port"),
        ({"resync_s": 0}, "resync_s"),
        ({"lease": {"renew": 1}}, "lease"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(plain: dict[str, object], words: str) -> None:
    """File, key, expectation."""
    with pytest.raises(SettingsError, match=words) as caught:
        read(**plain)
    assert str(caught.value).startswith("a.json: ")


def test_what_is_no_json_is_refused() -> None:
    """With the same words."""
    with pytest.raises(SettingsError, match="expected AutoscaleSettings"):
        read_settings(b"lease: 3", "a.json")
