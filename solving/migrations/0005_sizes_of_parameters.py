from django.db import migrations, models
from django.db.models import TextField
from django.db.models.functions import Cast, Coalesce, Length


def fill(apps, schema_editor):
    sizes = [Length(Cast(name, TextField())) for name in ("parameters", "chains")]
    apps.get_model("solving", "SolveJob").objects.update(json_size=sizes[0] + Coalesce(sizes[1], 0))


class Migration(migrations.Migration):
    dependencies = [("solving", "0004_deletions_lock_in_order")]

    operations = [
        migrations.AddField(
            model_name="solvejob",
            name="json_size",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Bytes of its parameters and chains."
            ),
        ),
        # Last: PostgreSQL changes no table of which rows were changed in the same transaction.
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
