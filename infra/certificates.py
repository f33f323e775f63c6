"""Until when a certificate is valid. Pure; nothing is verified: the API server does that."""

import datetime as dt

from cryptography import x509


class CertificateError(Exception):
    """The bytes are no certificate."""


def validity(pem: bytes) -> tuple[dt.datetime, dt.datetime]:
    """When the first certificate of a PEM begins and ends (aware, UTC). Raises `CertificateError`."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateError("no PEM certificate that can be read") from error
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
