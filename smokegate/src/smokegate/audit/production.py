"""Is a target production? Then nothing is acted out in front of it unless its owner says so."""

from __future__ import annotations

import ipaddress
import re

from smokegate.errors import UsageError
from smokegate.settings import Settings

# "pre-prod" and "non-prod" are meant to match, too: a needless option is the cheaper mistake.
_SOUNDS_LIKE_PRODUCTION = re.compile(r"prod|prd|live", re.IGNORECASE)


def refuse_production(settings: Settings, *, owns: bool) -> None:
    """Raise `UsageError` for a target that is taken for production, unless the caller `owns` it.

    A target is not taken for production if its host is this machine (`localhost` or a loopback
    address), or if the setting `environment`, which is "production" unless it is set, names
    something that does not sound like it. A private address is no proof: production has them, too.
    """
    if owns or _is_this_machine(settings.target.hostname or "") or not _is_production(settings):
        return
    raise UsageError(
        f"{settings.url} is taken for production, for its environment is "
        f"{settings.environment!r}; name another --environment, or give --i-own-this-target"
    )


def _is_production(settings: Settings) -> bool:
    return not settings.environment or bool(_SOUNDS_LIKE_PRODUCTION.search(settings.environment))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
