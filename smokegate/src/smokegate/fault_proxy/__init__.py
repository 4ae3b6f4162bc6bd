"""A reverse proxy that acts out faults, given as plain data, and counts what passed.

    proxy = FaultProxy(Upstream(url, ca_file), tls=certificates.good().context())
    Fault(SetStatus(500))                                     every reply
    Fault(ResetBeforeReply(), method="POST")                  every POST
    Fault(ResetBeforeReply(), reused=True)                    all but the first of a connection
    Fault(SetStatus(500), when=Seeded(0.05, seed=7))          one in twenty
    Fault(SetField(("version",), "1.0.0"), path="^/version", when=EveryNth(3), per="connection")

It speaks HTTP/1.1 only, holds messages whole in memory (up to 64 MiB) and passes on neither
upgrades nor CONNECT.
"""

from smokegate.fault_proxy.breaks import (
    AcceptSilently,
    HangHandshake,
    PresentTls,
    Refuse,
    ResetOnAccept,
)
from smokegate.fault_proxy.compression import BrokenGzip, Gzip, GzipBomb
from smokegate.fault_proxy.deliveries import (
    Chunked,
    Drip,
    Endless,
    RawBytes,
    ResetBeforeReply,
    ResetMidBody,
    Silence,
    Stall,
    Truncate,
)
from smokegate.fault_proxy.edits import (
    AddFractions,
    AddHeader,
    EditBody,
    EditJson,
    EditReply,
    ExtraFields,
    ReflectOrigin,
    RemoveField,
    RemoveHeader,
    RenameHeaders,
    ReplaceBody,
    SetField,
    SetHeader,
    SetStatus,
    ShiftDate,
)
from smokegate.fault_proxy.faults import (
    Action,
    Always,
    EveryNth,
    Fault,
    FirstN,
    Occasion,
    Only,
    Seeded,
)
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.fault_proxy.messages import Reply, Request
from smokegate.fault_proxy.proxy import FaultProxy
from smokegate.fault_proxy.record import Record, SeenRequest, Strike, count_writes
from smokegate.fault_proxy.substitutes import Answer, EditRequest, Latency, Redirect, SendTo
from smokegate.fault_proxy.upstream_link import Upstream

__all__ = [
    "AcceptSilently",
    "Action",
    "AddFractions",
    "AddHeader",
    "Always",
    "Answer",
    "BrokenGzip",
    "Chunked",
    "Drip",
    "EditBody",
    "EditJson",
    "EditReply",
    "EditRequest",
    "Endless",
    "EveryNth",
    "ExtraFields",
    "Fault",
    "FaultProxy",
    "FirstN",
    "Gzip",
    "GzipBomb",
    "HangHandshake",
    "Latency",
    "LoopThread",
    "Occasion",
    "Only",
    "PresentTls",
    "RawBytes",
    "Record",
    "Redirect",
    "ReflectOrigin",
    "Refuse",
    "RemoveField",
    "RemoveHeader",
    "RenameHeaders",
    "ReplaceBody",
    "Reply",
    "Request",
    "ResetBeforeReply",
    "ResetMidBody",
    "ResetOnAccept",
    "Seeded",
    "SeenRequest",
    "SendTo",
    "SetField",
    "SetHeader",
    "SetStatus",
    "ShiftDate",
    "Silence",
    "Stall",
    "Strike",
    "Truncate",
    "Upstream",
    "count_writes",
]
