"""The policy and topology texts the tests start from, and requests on them."""

from policy.load import load_policy
from policy.model import Policy, RequestHead

DESIGN = b"""\
version: isthmus/v1
sites:                                  # what each site may hold; the topology may name no other site
  public:  {holds: [public]}
  private: {holds: [public, sensitive]}
detectors:
  enable: [cn-mobile, cn-resident-id, bank-card, email]
  custom: [{id: member-no, pattern: 'VIP[0-9]{10}', check: luhn}]
routes:                                 # first match wins
  - {id: ads,    match: {hosts: ["*"], methods: [GET], paths: ["/ads", "/ads/**"]}, class: public, service: ads, cookies: [ab]}
  - {id: click,  match: {methods: [POST], paths: ["/clicks"]}, class: public, service: clicks, inspect: {body: 64KiB}}
  - {id: orders, match: {paths: ["/orders/**", "/pay/**"]}, class: sensitive, service: orders, idempotency: Idempotency-Key}
secrets: {user: {id: k2, ref: "env:ISTHMUS_USER_KEY", previous: [k1]}}   # resolved only on sites that hold sensitive
streams:
  - {topic: clicks, from: public, to: private, carry: all}               # bytes as they are
  - topic: order-events
    from: private
    to: public
    key: hmac(user)
    fields: {order_id: "keep:text", sku: "keep:text", amount: bucket(100), user_id: hmac(user), city: "keep:enum(hz,sh,bj)"}
"""

DEMO = b"""\
version: isthmus/v1
sites:
  public: {holds: [public]}
  private: {holds: [public, sensitive]}
detectors:
  enable: [cn-mobile, cn-resident-id, bank-card, email]
routes:
  - id: ads
    match: {methods: [GET], paths: ["/ads", "/ads/**"]}
    class: public
    service: ads
    cookies: [ab]
  - id: click
    match: {methods: [POST], paths: ["/clicks"]}
    class: public
    service: clicks
    inspect: {body: 64KiB}
  - id: orders
    match: {paths: ["/orders", "/orders/**", "/pay/**"]}
    class: sensitive
    service: orders
    idempotency: Idempotency-Key
  - id: profiles
    match: {paths: ["/profiles/**"]}
    class: sensitive
    service: profiles
streams:
  - {topic: clicks, from: public, to: private, carry: all}
"""

TOPOLOGY = b"""\
version: isthmus/v1
sites:
  public:
    networks: [127.0.1.0/24]
    ca: file:public-ca.pem
    services:
      ads: {endpoints: [{address: "127.0.1.11:8080", node: ad-1, zone: a}, {address: "127.0.1.12:8080", node: ad-2}]}
      clicks: {endpoints: [{address: "127.0.1.30:8080", node: clicks-public}]}
    kafka: {bootstrap: ["127.0.1.9:9092"], client: file:client.properties}
  private:
    networks: [127.0.2.0/24, "fd00::/64"]
    reserve: {ads: 0.2, raised: 0.1}
    services:
      ads: {endpoints: [{address: "127.0.2.11:8080", node: ads-private}]}
      orders: {endpoints: [{address: "[fd00::1]:8080", node: orders-1}]}
    kafka: {bootstrap: ["127.0.2.9:9092"]}
    warehouse: {dsn: "env:WAREHOUSE_DSN"}
"""


def demo_policy() -> Policy:
    return load_policy(DEMO, "policy.yaml")


def get(target: bytes, *headers: tuple[bytes, bytes], host: str = "shop.example") -> RequestHead:
    return RequestHead(
        method="GET", target=target, host=host,
        headers=((b"Host", host.encode()), *headers), has_body=False,
    )  # fmt: skip


def post(
    body: bytes,
    *headers: tuple[bytes, bytes],
    target: bytes = b"/clicks",
    length: int | None = None,
) -> RequestHead:
    return RequestHead(
        method="POST", target=target, host="shop.example",
        headers=((b"Host", b"shop.example"), *headers), has_body=True,
        content_length=len(body) if length is None else length,
    )  # fmt: skip
