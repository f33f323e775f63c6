"""A kubeconfig as the router takes it, and what it refuses."""

import base64
import json
from pathlib import Path

import pytest

from router.discovery_config import KubeconfigError, load_kubeconfig
from tests.router.api_server import Certificates, kubeconfig, make_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


def changed(path: Path, part: str, **keys: object) -> Path:
    whole = json.loads(path.read_text())
    whole[f"{part}s"][0][part] |= keys
    path.write_text(json.dumps(whole))
    return path


def said(path: Path) -> str:
    with pytest.raises(KubeconfigError) as caught:
        load_kubeconfig(f"file:{path}")
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "; expected " in text
    assert "; fix: " in text
    return text


def test_certificates_from_files_or_inlined(tmp_path: Path, certificates: Certificates) -> None:
    """As kubectl writes it, flattened or not; relative files are beside the kubeconfig."""
    path = kubeconfig(tmp_path, certificates, 6443)
    assert load_kubeconfig(f"file:{path}").server == "https://127.0.3.9:6443"

    def inlined(name: str) -> str:
        return base64.b64encode(certificates.text(name).encode()).decode()

    path = kubeconfig(
        tmp_path, certificates, 6443,
        **{"client-certificate-data": inlined("client.pem"), "client-key-data": inlined("client.key"),
           "client-certificate": "/nowhere", "client-key": "/nowhere"},
    )  # fmt: skip
    server = load_kubeconfig(f"file:{path}")
    assert server.tls.get_ca_certs()
    assert server.headers == {}
    (tmp_path / "client.pem").write_text(certificates.text("client.pem"))
    (tmp_path / "client.key").write_text(certificates.text("client.key"))
    beside = {"client-certificate": "client.pem", "client-key": "client.key"}
    load_kubeconfig(f"file:{kubeconfig(tmp_path, certificates, 6443, **beside)}")


def test_a_token_is_sent_and_its_file_is_read_each_time(
    tmp_path: Path, certificates: Certificates
) -> None:
    """Service account tokens are rotated in place."""
    none = {"client-certificate": "", "client-key": ""}
    path = kubeconfig(tmp_path, certificates, 1, token="t-1", **none)
    assert load_kubeconfig(f"file:{path}").headers == {"Authorization": "Bearer t-1"}
    path = kubeconfig(tmp_path, certificates, 1, tokenFile="token", **none)
    for token in ("t-2", "t-3"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert load_kubeconfig(f"file:{path}").headers == {"Authorization": f"Bearer {token}"}
    (tmp_path / "token").unlink()
    assert "user.tokenFile" in said(path)


@pytest.mark.parametrize(
    ("part", "keys", "what"),
    [
        ("cluster", {"server": "http://127.0.0.1:1"}, "is no https address"),
        ("cluster", {"server": "https://"}, "is no https address"),
        ("cluster", {"insecure-skip-tls-verify": True}, "would believe any server"),
        ("cluster", {"proxy-url": "http://p"}, "proxy-url"),
        ("cluster", {"certificate-authority": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ("cluster", {"certificate-authority-data": "%%%"}, "not base64"),
        ("cluster", {"certificate-authority-data": base64.b64encode(b"no pem").decode()}, "cannot be used"),
        ("user", {"exec": {"command": "aws"}}, "would start a program"),
        ("user", {"auth-provider": {"name": "gcp"}}, "auth-provider"),
        ("user", {"username": "u"}, "user.username"),
        ("user", {"client-key": "/nowhere/key.pem"}, "/nowhere/key.pem"),
        ("context", {"cluster": "other"}, "a cluster or user that is not in the file"),
        ("context", {"user": "other"}, "a cluster or user that is not in the file"),
    ],
)  # fmt: skip
def test_what_weakens_or_starts_programs_is_refused(
    tmp_path: Path, certificates: Certificates, part: str, keys: dict[str, object], what: str
) -> None:
    """File, place, expectation and fix."""
    assert what in said(changed(kubeconfig(tmp_path, certificates, 1), part, **keys))


def test_a_key_that_is_not_the_certificates_own_is_refused(
    tmp_path: Path, certificates: Certificates
) -> None:
    """And nothing of it is shown."""
    other = str(certificates.folder / "server.key")
    text = said(kubeconfig(tmp_path, certificates, 1, **{"client-key": other}))
    assert "cannot be used" in text
    assert "PRIVATE" not in text


def test_a_file_that_is_none_says_nothing_of_its_text(tmp_path: Path) -> None:
    """Missing, no YAML, no kubeconfig, too large; a broken line may hold a key and is not quoted."""
    path = tmp_path / "kubeconfig"
    assert "cannot be read" in said(path)
    path.write_text('users: [{name: u, user: {token: "s3cret-token"')
    assert "s3cret" not in said(path)
    path.write_text("clusters: 3")
    assert "$" in said(path)
    path.write_text("x" * ((1 << 20) + 1))
    assert "larger" in said(path)
    path.write_text("clusters: []\nusers: []\ncontexts: []\ncurrent-context: x\n")
    assert "current-context" in said(path)
