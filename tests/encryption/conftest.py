import pytest
from cryptography.fernet import Fernet
from django.db import connection

from .boxes import Box


@pytest.fixture
def boxes(db):
    """The manager of Box, with its table."""
    create_table, params = connection.SchemaEditorClass(connection, collect_sql=True).table_sql(Box)
    with connection.cursor() as cursor:
        cursor.execute(create_table, params or None)
    return Box.objects


@pytest.fixture
def raw():
    """What the database holds of the boxes' secrets, by primary key."""

    def read():
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, secret FROM encryption_box")
            return dict(cursor.fetchall())

    return read


@pytest.fixture
def keys(settings):
    """Three keys: of these the first is configured."""
    keys = [Fernet.generate_key().decode() for _ in range(3)]
    settings.FIELD_ENCRYPTION_KEY = keys[:1]
    return keys
