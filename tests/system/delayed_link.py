"""A network device whose packets take time or get lost: what a relay cannot show, on real TCP.

A TUN device hands every packet for `far` to this program, which swaps its two addresses and
gives it back half a round trip later: the kernel sees a packet from `far` to `near`. So a
connection from `near` to `far` reaches a server that listens on `near`, and every packet of it,
SYN and acknowledgements included, crosses the device. Swapping two addresses leaves all
checksums valid, since sums do not know an order.

Needs Linux, /dev/net/tun and the right to configure networks; `available()` tells. The device
disappears when the link is closed. `DeadEnd` is such a device that gives nothing back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from smokegate.fault_proxy import Occasion

if sys.platform != "win32":
    import fcntl

TUN_DEVICE = Path("/dev/net/tun")
# linux/if_tun.h and linux/sockios.h.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP_RUNNING = 0x0041
DEVICE_NAME = "smokelink"
PACKET_MAX_BYTES = 65_536
IPV4, TCP = 4, 6
SYN, ACK = 0x02, 0x10


class DelayedLink:
    """Two addresses with `rtt_s` between them: servers listen on `near`, clients go to `far`.

    `lost` chooses which of the packets that carry data to the client vanish, counted from 1
    over all connections; TCP sends them again after its own timeout. `packets` counts those
    packets, `lost_packets` those that vanished.

        async with DelayedLink(rtt_s=0.05) as link:
            ...  # listen on link.near; connect to link.far, same port
    """

    def __init__(self, rtt_s: float, lost: Occasion | None = None) -> None:
        self._rtt_s = rtt_s
        self._lost = lost
        self._device = -1
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._server_ports: set[int] = set()
        self.near = ""
        self.far = ""
        self.packets = 0
        self.lost_packets = 0

    async def __aenter__(self) -> Self:
        self._device, name = _open_device()
        # 198.18.0.0/15 is set aside for measurements (RFC 2544): no real host is hidden.
        subnet = f"198.18.{int(name.removeprefix(DEVICE_NAME)) % 256}"
        self.near, self.far = f"{subnet}.1", f"{subnet}.2"
        try:
            _bring_up(name, self.near)
        except OSError:
            os.close(self._device)
            raise
        asyncio.get_running_loop().add_reader(self._device, self._take)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._device)
        if self._timer is not None:
            self._timer.cancel()
        os.close(self._device)

    def _take(self) -> None:
        """Take the packet that the kernel has sent; it arrives half a round trip later."""
        packet = os.read(self._device, PACKET_MAX_BYTES)
        if packet[0] >> 4 != IPV4 or self._vanishes(packet):
            return
        loop = asyncio.get_running_loop()
        self._under_way.append((loop.time() + self._rtt_s / 2, _swapped(packet)))
        if self._timer is None:
            self._timer = loop.call_at(self._under_way[0][0], self._give_back)

    def _give_back(self) -> None:
        """Hand the kernel every packet that is due, in order, and wait for the next."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._under_way and self._under_way[0][0] <= loop.time():
            os.write(self._device, self._under_way.popleft()[1])
        if self._under_way:
            self._timer = loop.call_at(self._under_way[0][0], self._give_back)

    def _vanishes(self, packet: bytes) -> bool:
        if not self._carries_data_to_client(packet):
            return False
        self.packets += 1
        if self._lost is None or not self._lost.chosen(self.packets):
            return False
        self.lost_packets += 1
        return True

    def _carries_data_to_client(self, packet: bytes) -> bool:
        """Tell so by the ports that were connected to: both directions have equal addresses."""
        if packet[9] != TCP:
            return False
        head_bytes = (packet[0] & 0x0F) * 4
        from_port, to_port = struct.unpack_from("!HH", packet, head_bytes)
        flags = packet[head_bytes + 13]
        if flags & SYN:
            if not flags & ACK:
                self._server_ports.add(to_port)
            return False
        tcp_head_bytes = (packet[head_bytes + 12] >> 4) * 4
        return from_port in self._server_ports and len(packet) > head_bytes + tcp_head_bytes


class DeadEnd:
    """An IPv6 address that is routed and never answers: what is sent there is lost.

    with DeadEnd() as nowhere:
        ...  # connects to nowhere.address hang
    """

    def __init__(self) -> None:
        self._device = -1
        self.address = ""

    def __enter__(self) -> Self:
        self._device, name = _open_device()
        # 2001:db8::/32 is set aside for documentation (RFC 3849): no real host is hidden.
        subnet = f"2001:db8:{int(name.removeprefix(DEVICE_NAME)):x}:"
        self.address = f"{subnet}:2"
        try:
            _bring_up_ipv6(name, f"{subnet}:1")
        except OSError:
            os.close(self._device)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._device)

    def count(self) -> int:
        """Return how many packets to the address were lost since this was asked last."""
        os.set_blocking(self._device, False)
        wanted, lost = socket.inet_pton(socket.AF_INET6, self.address), 0
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(self._device, PACKET_MAX_BYTES):
                lost += packet[24:40] == wanted
        return lost


def available() -> bool:
    """Tell whether this system lets us make such a device."""
    try:
        device, _ = _open_device()
    except OSError:
        return False
    os.close(device)
    return True


def _open_device() -> tuple[int, str]:
    """Return a new device, named by the kernel; raises OSError where that is not allowed."""
    device = os.open(TUN_DEVICE, os.O_RDWR)
    wish = struct.pack("16sH22x", f"{DEVICE_NAME}%d".encode(), IFF_TUN | IFF_NO_PI)
    try:
        granted = fcntl.ioctl(device, TUNSETIFF, wish)
    except OSError:
        os.close(device)
        raise
    return device, granted[:16].rstrip(b"\0").decode()


def _bring_up(name: str, address: str) -> None:
    """Give the device its address and a subnet of two hosts, and start it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.252")):
            packed = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), packed))
        _start(control, name)


def _bring_up_ipv6(name: str, address: str) -> None:
    """Give the device its address and a subnet of 64 bits, and start it."""
    packed = socket.inet_pton(socket.AF_INET6, address)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        _start(control, name)
        wanted = struct.pack("16sIi", packed, 64, socket.if_nametoindex(name))
        fcntl.ioctl(control, SIOCSIFADDR, wanted)


def _start(control: socket.socket, name: str) -> None:
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), IFF_UP_RUNNING))


def _swapped(packet: bytes) -> bytes:
    """Return an IPv4 packet with source and destination exchanged."""
    return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
