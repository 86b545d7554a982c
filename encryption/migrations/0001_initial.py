import encryption.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Canary",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("song", encryption.fields.EncryptedTextField(default="The configured keys open this database.")),
            ],
            options={
                "verbose_name_plural": "canaries",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="one_canary")],
            },
        ),
    ]
