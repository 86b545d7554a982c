import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("solving", "0002_turns_storage_and_timing")]

    operations = [
        migrations.AlterField(
            model_name="solvejob",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                help_text="The membership's, to be found at once.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="solve_jobs",
                to="organizations.organization",
            ),
        ),
    ]
