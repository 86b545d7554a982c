"""A model to try the encrypted field on; tests/encryption/conftest.py makes its table."""

from django.db import models
from django.test.utils import isolate_apps

from encryption.fields import EncryptedTextField

with isolate_apps("encryption") as registry:

    class Box(models.Model):
        label = models.CharField(max_length=50)
        secret = EncryptedTextField(null=True)
        data = models.JSONField(default=dict, blank=True)

        class Meta:
            app_label = "encryption"

        def __str__(self):
            return self.label
