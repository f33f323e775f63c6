"""Certificates of nobody's, valid for as long as a test says."""

import base64
import datetime as dt
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding


@functools.cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(begin: dt.datetime, end: dt.datetime) -> bytes:
    """The PEM of a certificate valid from `begin` to `end`; signed by itself."""
    key, name = _key(), x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def kubeconfig_until(end: dt.datetime, server: str = "https://10.9.0.2:6443") -> str:
    """A kubeconfig whose client certificate was good for the year before `end`."""
    pem = certificate(end - dt.timedelta(days=365), end)
    return (
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        f'clusters: [{{name: c, cluster: {{server: "{server}", certificate-authority-data: Q0E=}}}}]\n'
        "contexts: [{name: one, context: {cluster: c, user: u}}]\n"
        f"users: [{{name: u, user: {{client-certificate-data: {base64.b64encode(pem).decode()}}}}}]\n"
    )
