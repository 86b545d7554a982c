"""What the worker does by itself: show that it lives, and tidy up once a day."""

from django.db import migrations

SCHEDULES = {
    # Not kept among the results: there would be nothing else there.
    "heartbeat": {
        "func": "monitoring.models.beat_of_worker",
        "schedule_type": "I",
        "minutes": 1,
        "kwargs": "q_options={'save': False}",
    },
    "tidy": {"func": "lunaportal.upkeep.tidy_now", "schedule_type": "D"},
}


def schedule(apps, schema_editor):
    Schedule = apps.get_model("django_q", "Schedule")
    for name, fields in SCHEDULES.items():
        Schedule.objects.update_or_create(name=name, defaults=fields)


def unschedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=SCHEDULES).delete()


class Migration(migrations.Migration):
    dependencies = [("django_q", "0018_task_success_index"), ("monitoring", "0001_heartbeat")]

    operations = [migrations.RunPython(schedule, unschedule)]
