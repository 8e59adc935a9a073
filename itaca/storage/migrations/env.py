"""Alembic's door: it works on the connection it is handed, or on ITACA_DATABASE_URL for whoever writes a step."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine

from itaca.storage.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    _run(handed)
else:
    with create_engine(os.environ.get("ITACA_DATABASE_URL", "sqlite://")).begin() as opened:
        _run(opened)
