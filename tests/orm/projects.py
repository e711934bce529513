"""Two small projects, written out where a test wants them, and the SQL that the real tools make of them.

A tool that is not installed (group `dev`) skips the test with a word.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ALEMBIC_ENVIRONMENT = """
from alembic import context

per = context.get_x_argument(as_dictionary=True).get("transactions") == "each"
context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=per)
with context.begin_transaction():
    context.run_migrations()
"""

ALEMBIC_FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "a1", None


def upgrade():
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.BigInteger),
    )


def downgrade():
    op.drop_table("orders")
    op.drop_table("customers")
"""

ALEMBIC_SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "b2", "a1"


def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text))
    op.add_column("orders", sa.Column("status", sa.Text, nullable=False, server_default="new"))
    op.alter_column("orders", "status", server_default=None)
    op.create_index("orders_customer", "orders", ["customer_id"])
    op.create_foreign_key("orders_customer_fkey", "orders", "customers", ["customer_id"], ["id"])
    op.create_check_constraint("orders_total", "orders", "total >= 0")
    op.alter_column("customers", "name", type_=sa.String(200))
    with op.get_context().autocommit_block():
        op.create_index("orders_status", "orders", ["status"], postgresql_concurrently=True)


def downgrade():
    raise NotImplementedError
"""

DJANGO_SETTINGS = """
import os

INSTALLED_APPS = ["shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["SHOP_NAME"],
        "USER": os.environ["SHOP_USER"],
        "PASSWORD": os.environ["SHOP_PASSWORD"],
        "HOST": os.environ["SHOP_HOST"],
        "PORT": os.environ["SHOP_PORT"],
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""

DJANGO_FIRST = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Customer",
            [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=100))],
        ),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("total", models.IntegerField()),
                ("reference", models.CharField(max_length=40)),
                ("customer", models.ForeignKey(null=True, on_delete=models.CASCADE, to="shop.customer")),
            ],
        ),
    ]
"""

DJANGO_SECOND = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("order", "status", models.CharField(max_length=20, default="new")),
        migrations.AddField("order", "note", models.TextField(null=True)),
        migrations.AddField(
            "order",
            "payer",
            models.ForeignKey(null=True, on_delete=models.CASCADE, related_name="+", to="shop.customer"),
        ),
        migrations.AddConstraint(
            "order", models.CheckConstraint(condition=models.Q(total__gte=0), name="total_positive")
        ),
        migrations.AlterField("order", "reference", models.CharField(max_length=80)),
        migrations.AddIndex("order", models.Index(fields=["total"], name="order_total")),
    ]
"""

DJANGO_THIRD = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_changes")]
    operations = [AddIndexConcurrently("order", models.Index(fields=["status"], name="order_status"))]
"""


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.fail(f"{module} is not installed (pip install --group dev)")


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def alembic_sql(folder: Path, revisions: str, *, transactions: str = "all") -> str:
    """What `alembic upgrade REVISIONS --sql` prints."""
    needs("alembic")
    write(
        folder,
        {
            "alembic.ini": "[alembic]\nscript_location = scripts\npath_separator = os\n",
            "scripts/env.py": ALEMBIC_ENVIRONMENT,
            "scripts/versions/a1_first.py": ALEMBIC_FIRST,
            "scripts/versions/b2_second.py": ALEMBIC_SECOND,
        },
    )
    tool = ["-m", "alembic", "-x", f"transactions={transactions}", "upgrade", revisions, "--sql"]
    return _output(tool, folder, {})


def django_sql(folder: Path, migration: str, database: str) -> str:
    """What `django-admin sqlmigrate shop MIGRATION` prints; it looks at the server that it is for."""
    needs("django")
    write(
        folder,
        {
            "settings.py": DJANGO_SETTINGS,
            "shop/__init__.py": "",
            "shop/migrations/__init__.py": "",
            "shop/migrations/0001_initial.py": DJANGO_FIRST,
            "shop/migrations/0002_changes.py": DJANGO_SECOND,
            "shop/migrations/0003_concurrently.py": DJANGO_THIRD,
        },
    )
    url = urlsplit(database)
    host = url.hostname or url.query.removeprefix("host=")
    more = {
        "DJANGO_SETTINGS_MODULE": "settings",
        "SHOP_NAME": url.path[1:],
        "SHOP_USER": url.username or "",
        "SHOP_PASSWORD": url.password or "",
        "SHOP_HOST": host,
        "SHOP_PORT": str(url.port or ""),
    }
    return _output(["-m", "django", "sqlmigrate", "shop", migration, "--no-color"], folder, more)


def _output(arguments: list[str], folder: Path, more: dict[str, str]) -> str:
    environment = os.environ | more | {"PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    return done.stdout
