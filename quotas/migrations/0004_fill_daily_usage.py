from datetime import UTC

from django.db import migrations
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

KEY = ("organization_id", "token_id", "user_id", "day", "solver", "source", "user_email", "token_name")


def add_up_the_ledger(apps, schema_editor):
    daily_usage, usage = apps.get_model("quotas", "DailyUsage"), apps.get_model("quotas", "Usage")
    days = (
        usage.objects.filter(status="settled")
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values(*KEY)
        .annotate(settled_ns=Sum("access_time_ns"), jobs=Count("pk"))
        .order_by()
    )
    daily_usage.objects.bulk_create((daily_usage(**day) for day in days.iterator()), batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [
        ("quotas", "0003_daily_usage"),
    ]

    operations = [
        migrations.RunPython(add_up_the_ledger, migrations.RunPython.noop, elidable=True),
    ]
