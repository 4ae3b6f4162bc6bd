"""A deployment: a target behind a proxy, verified before and after something is done to it."""

from __future__ import annotations

from smokegate.fault_proxy import Fault, FaultProxy
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.command import Commands, Done


class Deployment:
    """A target that is sound, and verified before and after something is done to it."""

    def __init__(self, commands: Commands, proxy: FaultProxy, loop: LoopThread) -> None:
        self.commands = commands
        self.baseline = commands.folder / "before.json"
        self._proxy = proxy
        self._loop = loop
        self.becomes()

    def becomes(self, *faults: Fault) -> None:
        """Let the target have these faults and no others."""
        self._loop.run(self._proxy.act_out(*faults))

    def before(self, *faults: Fault) -> Done:
        """Make the control run."""
        self.becomes(*faults)
        return self.commands.smokegate("run", "--save-baseline", self.baseline)

    def after(self, *faults: Fault, options: tuple[str, ...] = ()) -> Done:
        """Make the run that is compared with the control run."""
        self.becomes(*faults)
        return self.commands.smokegate("run", "--baseline", self.baseline, *options)
