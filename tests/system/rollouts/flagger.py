"""Flagger as its source has it, as far as the webhooks of a progressive canary go.

Followed: pkg/controller/scheduler.go at 0016895, scheduler_hooks.go and webhook.go of
fluxcd/flagger. One call of `advance` is one tick of the analysis' interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml

_MOST_SUCCESS = 202  # callWebhook: r.StatusCode > 202 is an error, and so is 204
_MOST_TICKS = 100


class WebhookError(Exception):
    """A webhook did not succeed; what it says is what Flagger logs."""


@dataclass
class Canary:
    """A canary and what became of it; `events` is what Flagger would log."""

    analysis: dict[str, Any]
    client: httpx2.Client
    checksum: str
    phase: str = "Initialized"
    weight: int = 0
    failed_checks: int = 0
    events: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, manifest: Path, client: httpx2.Client, checksum: str, token: str) -> Canary:
        """A canary by its manifest, with the token filled in."""
        text = manifest.read_text().replace("TOKEN", token)
        return cls(yaml.safe_load(text)["spec"]["analysis"], client, checksum)

    def until(self, *phases: str) -> str:
        """Tick until it is in one of some phases."""
        for _ in range(_MOST_TICKS):
            if self.phase in phases:
                return self.phase
            self.advance()
        raise AssertionError(f"it stays in {self.phase}: {self.events[-5:]}")

    def until_grown(self) -> None:
        """Tick until it has as much of the traffic as it gets before its promotion."""
        for _ in range(_MOST_TICKS):
            if self.weight == self.analysis["maxWeight"]:
                return
            self.advance()
        raise AssertionError(f"it stays at {self.weight}: {self.events[-5:]}")

    def advance(self) -> None:
        """`advanceCanary`, from where the canary is ready."""
        if self.phase in ("Initialized", "Waiting"):
            self.phase = "Progressing" if self._all("confirm-rollout") else "Waiting"
        elif self.phase in ("Progressing", "WaitingPromotion") and self._rolls_back():
            self._roll_back()
        elif self.phase == "Promoting":
            self.phase = "Finalising"
        elif self.phase == "Finalising":
            self.phase = "Succeeded"
            self._all("post-rollout")
        elif self.phase in ("Progressing", "WaitingPromotion"):
            self._analyse()

    def _analyse(self) -> None:
        if self.failed_checks >= self.analysis["threshold"]:
            self._roll_back()
            return
        if not self._all("pre-rollout" if self.weight == 0 else "rollout"):
            self.failed_checks += 1
            return
        if self.phase != "WaitingPromotion" and not self._all("confirm-traffic-increase"):
            return
        if self.weight < self.analysis["maxWeight"]:
            self.weight += self.analysis["stepWeight"]
            return
        self.phase = "Promoting" if self._all("confirm-promotion") else "WaitingPromotion"

    def _rolls_back(self) -> bool:
        """`runRollbackHooks`: what succeeds signals a rollback."""
        return any(self._succeeds(hook) for hook in self._hooks("rollback"))

    def _roll_back(self) -> None:
        self.weight, self.phase = 0, "Failed"
        self._all("post-rollout")

    def _all(self, kind: str) -> bool:
        return all(self._succeeds(hook) for hook in self._hooks(kind))

    def _hooks(self, kind: str) -> list[dict[str, Any]]:
        hooks = self.analysis["webhooks"]
        return [hook for hook in hooks if hook.get("type", "rollout") == kind]

    def _succeeds(self, hook: dict[str, Any]) -> bool:
        try:
            self._call(hook)
        except WebhookError as error:
            self.events.append(f"{hook['type']} failed: {error}")
            return False
        self.events.append(f"{hook['type']} passed")
        return True

    def _call(self, hook: dict[str, Any]) -> None:
        """`callWebhook`, with the client that drops what a 5xx or a 429 says."""
        url = httpx2.URL(hook["url"])
        assert url.host == "smokegate.smokegate"
        payload = {
            "name": "shop",
            "namespace": "test",
            "phase": self.phase,
            "checksum": self.checksum,
            "buildId": "",
            "metadata": hook.get("metadata", {}),
        }
        try:
            reply = self.client.post(
                url.raw_path.decode(),
                json=payload,
                auth=(url.username, url.password),  # net/http sends a URL's as HTTP Basic
                timeout=int(hook["timeout"].removesuffix("s")),
            )
        except httpx2.TimeoutException:
            raise WebhookError("context deadline exceeded") from None
        except httpx2.HTTPError as error:
            raise WebhookError(type(error).__name__) from None
        if (reply.status_code >= 500 and reply.status_code != 501) or reply.status_code == 429:
            raise WebhookError("giving up after 1 attempt(s)")
        if reply.status_code > _MOST_SUCCESS:
            raise WebhookError(reply.text)
