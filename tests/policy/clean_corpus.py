"""Ordinary ad and click traffic without any person in it: what must never be raised."""

import datetime as dt
import gzip
import json
import random
import uuid
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from policy.model import RequestHead

NOW_S = 1_795_547_713


def chrome(rng: random.Random) -> str:
    """A Chrome version as sent in full: four dotted numbers, eleven digits now and then."""
    return f"{rng.randrange(100, 160)}.0.{rng.randrange(4000, 8000)}.{rng.randrange(10, 300)}"


def agents(rng: random.Random) -> str:
    version = chrome(rng)
    return rng.choice(
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36",
            f"Mozilla/5.0 (Linux; Android 14; 22081212C Build/UKQ1.230917.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{version} Mobile Safari/537.36 XWEB/{rng.randrange(10**6, 10**7)} MMWEBSDK/20240404 MMWEBID/{rng.randrange(1000, 9999)} MicroMessenger/8.0.49.2600(0x2800315A) WeChat/arm64 NetType/WIFI Language/zh_CN",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1.1 Mobile/15E148 Safari/604.1",
            "python-requests/2.32.3",
            f"okhttp/4.12.{rng.randrange(9)}",
        )
    )


def times(rng: random.Random) -> str:
    """A moment in one of the forms programs write it."""
    at = NOW_S + rng.random() * 86_400 * 400
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return rng.choice(
        (
            str(int(at)),
            str(int(at * 1e3)),
            str(int(at * 1e6)),
            str(int(at * 1e9)),
            f"{at:.1f}",
            f"{at:.3f}",
            f"{at:.6f}",
            moment.isoformat(),
            moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{rng.randrange(10**9):09d}Z",
            moment.strftime("%Y-%m-%d %H:%M:%S.%f"),
            moment.strftime("%Y%m%d%H%M%S"),
            moment.strftime("%Y%m%d"),
            moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        )
    )


def ids(rng: random.Random) -> str:
    """An id as generators make them."""
    bits = rng.getrandbits(128)
    return rng.choice(
        (
            str(uuid.UUID(int=bits, version=4)),
            f"{bits:032x}",
            f"{bits:032x}"[:24],
            f"evt_{bits:032x}",
            f"{rng.getrandbits(256):064x}",
            "".join(rng.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=26)),
            f"e-{rng.randrange(10**9)}",
            f"4711-{rng.randrange(10**6)}",
            str(rng.random()),
        )
    )


def address(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(1, 255)) for _ in range(4))


def headers(rng: random.Random) -> list[tuple[bytes, bytes]]:
    version = chrome(rng)
    pairs = {
        "Host": "shop.example",
        "User-Agent": agents(rng),
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "Accept-Language": "zh-CN,zh;q=0.9,en-US;q=0.8",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "sec-ch-ua-full-version-list": f'"Chromium";v="{version}", "Not?A_Brand";v="99.0.0.0"',
        "traceparent": f"00-{rng.getrandbits(128):032x}-{rng.getrandbits(64):016x}-01",
        "b3": f"{rng.getrandbits(128):032x}-{rng.getrandbits(64):016x}-1",
        "X-Request-Id": ids(rng),
        "X-Request-Start": f"t={times(rng)}",
        "X-Forwarded-For": f"{address(rng)}, {address(rng)}",
        "Date": dt.datetime.fromtimestamp(NOW_S, dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "If-None-Match": f'W/"{rng.randrange(10**4):x}-{rng.getrandbits(160):040x}"',
        "Referer": f"https://shop.example/p/{rng.randrange(10**6)}?utm_source=ad&ts={times(rng)[:10]}",
        "Cookie": f"ab={rng.choice('ab')}; _ga=GA1.1.{rng.randrange(10**8, 2**31)}.{NOW_S}; _fbp=fb.1.{NOW_S}123.{rng.randrange(10**9)}",
        "Isthmus-Beacon": "b-" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=24)),
    }
    kept = [(k, v) for k, v in pairs.items() if k == "Host" or rng.random() < 0.7]
    return [(name.encode(), value.encode()) for name, value in kept]


def query(rng: random.Random) -> bytes:
    values = {
        "slot": f"home-{rng.randrange(20)}",
        "size": rng.choice(("300x250", "728x90", "1024")),
        "r": str(rng.random()),
        "cb": ids(rng),
        "ts": times(rng),
        "kw": rng.choice(("双十一 满300减40", "运动鞋 42码", "sale 50 off", "１２寸蛋糕")),
        "u": f"https://shop.example/p/{rng.randrange(10**6)}",
        "img": f"logo@2x.png,vue@3.{rng.randrange(9)}.1.min.js",
        "lng": f"{rng.uniform(73, 130):.6f}",
        "lat": f"{rng.uniform(18, 53):.6f}",
        "v": f"{rng.randrange(20)}.{rng.randrange(99)}.{rng.randrange(999)}",
    }
    kept = {key: value for key, value in values.items() if rng.random() < 0.5}
    return (urlencode(kept) if rng.random() < 0.5 else urlencode(kept, quote_via=quote)).encode()


def click(rng: random.Random) -> dict[str, object]:
    return {
        "event_id": ids(rng),
        "ad": f"ad-{rng.randrange(10**6)}",
        "campaign": rng.choice(("11.11", "c-2026-11", "spring")),
        "occurred_ms": int((NOW_S + rng.random() * 1e6) * 1000),
        "score": rng.random(),
        "price": round(rng.random() * 1e4, 2),
        "at": times(rng),
        "note": rng.choice(("", "看了 3 次, 停留 12.5 秒", 'a/b\n"c" 100%', "😀 great", "5 of 12")),
    }


def get_requests(rng: random.Random, count: int) -> Iterator[RequestHead]:
    """Heads of clean GETs on the ads route."""
    for _ in range(count):
        path = rng.choice(("/ads", f"/ads/{rng.randrange(10**8)}", "/ads/banner/%E5%8F%8C11"))
        text = query(rng)
        yield RequestHead(
            method="GET", target=path.encode() + (b"?" + text if text else b""),
            host="shop.example", headers=tuple(headers(rng)), has_body=False,
        )  # fmt: skip


def post_requests(rng: random.Random, count: int) -> Iterator[tuple[RequestHead, bytes]]:
    """Heads and bodies of clean POSTs on the click route."""
    for _ in range(count):
        event = click(rng)
        kind = rng.choice(("json", "json", "form", "gzip", "ascii"))
        extra = [(b"Content-Type", b"application/json; charset=utf-8")]
        body = json.dumps(event, ensure_ascii=kind == "ascii").encode()
        if kind == "form":
            extra = [(b"Content-Type", b"application/x-www-form-urlencoded")]
            body = urlencode({key: str(value) for key, value in event.items()}).encode()
        elif kind == "gzip":
            body = gzip.compress(body, 1)
            extra.append((b"Content-Encoding", b"gzip"))
        yield RequestHead(
            method="POST", target=b"/clicks", host="shop.example",
            headers=(*headers(rng), *extra), has_body=True, content_length=len(body),
        ), body  # fmt: skip
