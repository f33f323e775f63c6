"""Fetch what a pod names: ConfigMaps, Secrets, service account tokens."""

from datetime import datetime

import msgspec

from local.agent_api import Api, ApiError
from local.agent_objects import ConfigMap, Pod, Secret
from local.agent_parts import ApiStruct
from local.agent_resolve import Sources
from local.agent_volumes import needs_of


class _TokenStatus(ApiStruct, frozen=True, kw_only=True):
    token: str
    expiration_timestamp: datetime


class _TokenReply(ApiStruct, frozen=True, kw_only=True):
    status: _TokenStatus


class _BoundObject(ApiStruct, frozen=True, kw_only=True):
    kind: str = "Pod"
    api_version: str = "v1"
    name: str
    uid: str


class _TokenSpec(ApiStruct, frozen=True, kw_only=True):
    audiences: tuple[str, ...]
    expiration_seconds: int
    bound_object_ref: _BoundObject


class _TokenRequest(ApiStruct, frozen=True, kw_only=True):
    kind: str = "TokenRequest"
    api_version: str = "authentication.k8s.io/v1"
    spec: _TokenSpec


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token and when to ask for the next."""

    text: str
    renew_s: float


class Fetcher:
    """Sources of one pod; its tokens are kept until four fifths of their life are over."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._tokens: dict[tuple[str, int], Token] = {}

    async def sources(self, pod: Pod, *, now_s: float) -> Sources:
        """What the pod names, as far as it is there. Raises `ApiError`."""
        needs = needs_of(pod)
        base = f"/api/v1/namespaces/{pod.metadata.namespace}"
        config_maps: dict[str, ConfigMap] = {}
        secrets: dict[str, Secret] = {}
        for name in sorted(needs.config_maps):
            config_map = await self._api.find(f"{base}/configmaps/{name}", ConfigMap)
            if config_map is not None:
                config_maps[name] = config_map
        for name in sorted(needs.secrets):
            secret = await self._api.find(f"{base}/secrets/{name}", Secret)
            if secret is not None:
                secrets[name] = secret
        tokens = {key: await self._token(pod, key, now_s=now_s) for key in sorted(needs.tokens)}
        return Sources(config_maps=config_maps, secrets=secrets, tokens=tokens)

    async def _token(self, pod: Pod, key: tuple[str, int], *, now_s: float) -> str:
        kept = self._tokens.get(key)
        if kept is not None and now_s < kept.renew_s:
            return kept.text
        audience, seconds = key
        account = pod.spec.service_account_name or "default"
        path = f"/api/v1/namespaces/{pod.metadata.namespace}/serviceaccounts/{account}/token"
        spec = _TokenSpec(
            audiences=(audience,) if audience else (),
            expiration_seconds=seconds,
            bound_object_ref=_BoundObject(name=pod.metadata.name, uid=pod.metadata.uid),
        )
        answer = await self._api.request("POST", path, body=_TokenRequest(spec=spec))
        try:
            reply = msgspec.json.decode(answer, type=_TokenReply).status
        except msgspec.MsgspecError as error:
            raise ApiError(0, f"{path}: {error}") from error
        life_s = reply.expiration_timestamp.timestamp() - now_s
        self._tokens[key] = Token(text=reply.token, renew_s=now_s + 0.8 * life_s)
        return reply.token
