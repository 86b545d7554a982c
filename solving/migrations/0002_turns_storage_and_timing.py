import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Length
from django.utils import timezone


def fill(apps, schema_editor):
    job, membership = apps.get_model("solving", "SolveJob"), apps.get_model("organizations", "Membership")
    organization = membership.objects.filter(pk=OuterRef("membership_id")).values("organization_id")
    job.objects.update(organization_id=Subquery(organization))
    job.objects.exclude(result=None).update(result_size=Length("result"))


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_settings"),
        ("solving", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="solvejob",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                help_text="The membership's, to be found at once.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="solve_jobs",
                to="organizations.organization",
            ),
        ),
        migrations.AddField(
            model_name="solvejob",
            name="result_size",
            field=models.PositiveIntegerField(default=0, help_text="Bytes."),
        ),
        migrations.AddField(
            model_name="solvejob",
            name="turn",
            field=models.BigIntegerField(
                default=0, help_text="Which of its organization's waiting jobs is next: the one of the lowest turn."
            ),
        ),
        migrations.AddField(
            model_name="solvejob",
            name="with_timing",
            field=models.BooleanField(
                default=True,
                help_text="Whether the solution tells how long it took, which SDKs before 1.2 cannot read.",
            ),
        ),
        migrations.AddField(
            model_name="uploadedmodel",
            name="used_at",
            field=models.DateTimeField(
                default=timezone.now, help_text="When it was last uploaded, or a job on it submitted."
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="solvejob",
            index=models.Index(
                condition=Q(status="REQUESTED"), fields=["organization", "turn", "id"], name="solve_job_in_turn"
            ),
        ),
        migrations.AddIndex(
            model_name="solvejob",
            index=models.Index(
                condition=Q(status="REQUESTED"), fields=["membership", "turn"], name="solve_job_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="solvejob",
            index=models.Index(fields=["organization", "started_at"], name="solve_job_begun"),
        ),
        migrations.AddIndex(
            model_name="solvejob",
            index=models.Index(fields=["ended_at"], name="solve_job_ended"),
        ),
        migrations.AddIndex(
            model_name="uploadedmodel",
            index=models.Index(fields=["used_at"], name="model_by_last_use"),
        ),
        # Last: PostgreSQL changes no table of which rows were changed in the same transaction.
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
