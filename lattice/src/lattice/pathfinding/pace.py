"""How long a search may go on."""

from time import monotonic


class Pace:
    """Ends a search `timeout_s` seconds from now, or as soon as nobody waits for it."""

    def __init__(self, timeout_s: float) -> None:
        self._deadline_s = monotonic() + timeout_s

    def keep(self) -> None:
        """Raise TimeoutError when the time is over."""
        if monotonic() > self._deadline_s:
            raise TimeoutError("the search ran out of time")

    def give_up(self) -> None:
        """End the time now; called from another thread."""
        self._deadline_s = 0
