from django.db import migrations


def plant(apps, schema_editor):
    apps.get_model("encryption", "Canary").objects.create(pk=1)


def remove(apps, schema_editor):
    apps.get_model("encryption", "Canary").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("encryption", "0001_initial")]

    operations = [migrations.RunPython(plant, remove)]
