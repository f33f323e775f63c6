"""Certificates with a validity and nothing else of worth: what reads no more than that takes them for real."""

import base64
import datetime as dt


def certificate(begin: dt.datetime, end: dt.datetime) -> bytes:
    """The PEM of a certificate valid from `begin` to `end`; signed by nobody."""
    times = _value(0x30, _time(begin) + _time(end))
    name = _value(0x30, b"")
    tbs = (
        _value(0xA0, _value(0x02, b"\x02")) + _value(0x02, b"\x01") + name + name + times + name + bytes(300)
    )  # fmt: skip
    body = base64.encodebytes(_value(0x30, _value(0x30, tbs) + name))
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def _time(at: dt.datetime) -> bytes:
    if 1950 <= at.year < 2050:
        return _value(0x17, f"{at:%y%m%d%H%M%SZ}".encode())
    return _value(0x18, f"{at:%Y%m%d%H%M%SZ}".encode())


def _value(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2)
    return bytes([tag]) + length + content


def kubeconfig_until(end: dt.datetime, server: str = "https://10.9.0.2:6443") -> str:
    """A kubeconfig whose client certificate was good for the year before `end`."""
    pem = certificate(end - dt.timedelta(days=365), end)
    return (
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
        f'clusters: [{{name: c, cluster: {{server: "{server}", certificate-authority-data: Q0E=}}}}]\n'
        "contexts: [{name: one, context: {cluster: c, user: u}}]\n"
        f"users: [{{name: u, user: {{client-certificate-data: {base64.b64encode(pem).decode()}}}}}]\n"
    )
