"""One encrypted row, by which the portal notices a wrong key before it meets a secret."""

from django.db import models
from django.db.models import Q

from .fields import EncryptedTextField

SONG = "The configured keys open this database."


class Canary(models.Model):
    """The only row of its table. encryption.canary.verify() reads it."""

    song = EncryptedTextField(default=SONG)

    class Meta:
        verbose_name_plural = "canaries"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_canary")]

    def __str__(self) -> str:
        return "canary"
