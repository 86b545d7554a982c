from django.db import migrations
from django.db.models import Sum
from django.db.models.functions import TruncMonth


def add_up_the_days(apps, schema_editor):
    daily_usage, rollup = apps.get_model("quotas", "DailyUsage"), apps.get_model("quotas", "UsageRollup")
    days = daily_usage.objects.filter(organization_id__isnull=False)
    sums = {"sum_ns": Sum("settled_ns"), "sum_jobs": Sum("jobs")}
    months = days.values("organization_id", "user_email", month=TruncMonth("day")).annotate(**sums).order_by()
    everybodys = days.values("organization_id", "day", "token_id", "token_name", "solver").annotate(**sums).order_by()
    for rows in (months, everybodys):
        rollup.objects.bulk_create((rollup(**as_fields(row)) for row in rows.iterator()), batch_size=1000)


def as_fields(row):
    names = {"month": "day", "sum_ns": "settled_ns", "sum_jobs": "jobs"}
    return {names.get(name, name): value for name, value in row.items()}


class Migration(migrations.Migration):
    dependencies = [
        ("quotas", "0007_usage_rollup"),
    ]

    operations = [
        migrations.RunPython(add_up_the_days, migrations.RunPython.noop, elidable=True),
    ]
