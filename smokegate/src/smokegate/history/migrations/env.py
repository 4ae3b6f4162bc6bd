"""How alembic reaches the database: by the connection of whoever asks for a migration."""

from __future__ import annotations

from alembic import context
from smokegate.history.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
