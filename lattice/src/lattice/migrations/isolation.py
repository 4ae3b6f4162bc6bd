"""Row-level security: what PostgreSQL itself keeps from a transaction of another tenant."""

from alembic import op

TENANT = "current_setting('lattice.tenant_id', true)"


def isolate(table: str, *, tenant_column: str = "tenant_id", is_shared: bool) -> None:
    """Let a transaction see and write only rows of the tenant that it has named.

    One that acts for every tenant (`*`) gets at what `is_shared`: an address that wants to log in
    is looked for in all of them. It binds the owner of the table too; SQLite has nothing like it.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    for_every_tenant = f" OR {TENANT} = '*'" if is_shared else ""
    _allow(table, "one_tenant", f"{tenant_column} = {TENANT}{for_every_tenant}")


def keep_from_tenants(table: str) -> None:
    """Let only a transaction that acts for every tenant get at what belongs to none."""
    if op.get_bind().dialect.name == "postgresql":
        _allow(table, "no_tenant", f"{TENANT} = '*'")


def _allow(table: str, policy: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {policy} ON {table} USING ({condition})")
