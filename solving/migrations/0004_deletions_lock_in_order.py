import django.db.models.deletion
from django.db import migrations, models

import solving.models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_closing"),
        ("solving", "0003_every_job_has_an_organization"),
        ("tokens", "0002_secrets_and_endpoints"),
    ]

    operations = [
        migrations.AlterField(
            model_name="solvejob",
            name="membership",
            field=models.ForeignKey(
                on_delete=solving.models.cascade_to_locked, related_name="solve_jobs", to="organizations.membership"
            ),
        ),
        migrations.AlterField(
            model_name="solvejob",
            name="token",
            field=models.ForeignKey(
                db_constraint=False,
                help_text="What it runs on; perhaps deleted since.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="solve_jobs",
                to="tokens.qputoken",
            ),
        ),
    ]
