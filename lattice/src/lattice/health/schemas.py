"""What is said of the service's own state."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The state of the service and of what it needs."""

    status: Literal["healthy", "degraded", "draining", "unhealthy"]
    version: str = Field(examples=["0.1.0"])
    checks: dict[str, str] = Field(examples=[{"database": "connected", "redis": "not configured"}])


class Live(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The service can take requests."""

    status: Literal["ready"] = "ready"


class DatabaseHealth(BaseModel):
    """The database answers."""

    database: Literal["connected"] = "connected"


class RedisHealth(BaseModel):
    """Redis answers."""

    redis: Literal["connected"] = "connected"


class Version(BaseModel):
    """What is served."""

    version: str = Field(examples=["0.1.0"])
