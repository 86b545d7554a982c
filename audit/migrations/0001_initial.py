import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("user_signed_up", "User signed up"),
                            ("user_signed_in", "User signed in"),
                            ("user_sign_in_failed", "Sign-in failed"),
                            ("user_signed_out", "User signed out"),
                            ("password_changed", "Password changed"),
                            ("email_changed", "Email address changed"),
                            ("mfa_added", "Second factor added"),
                            ("mfa_removed", "Second factor removed"),
                            ("sso_connected", "Single sign-on connected"),
                            ("sso_disconnected", "Single sign-on disconnected"),
                            ("organization_created", "Organization created"),
                            ("organization_changed", "Organization changed"),
                            ("member_added", "Member added"),
                            ("member_removed", "Member removed"),
                            ("role_changed", "Role changed"),
                            ("invitation_sent", "Invitation sent"),
                            ("invitation_resent", "Invitation sent again"),
                            ("invitation_revoked", "Invitation revoked"),
                            ("invitation_accepted", "Invitation accepted"),
                            ("key_issued", "API key issued"),
                            ("key_changed", "API key changed"),
                            ("key_revoked", "API key revoked"),
                            ("token_uploaded", "QPU token uploaded"),
                            ("token_renamed", "QPU token renamed"),
                            ("secret_replaced", "Secret of a QPU token replaced"),
                            ("token_deleted", "QPU token deleted"),
                            ("secret_used", "Secret of a QPU token used"),
                            ("quota_assigned", "Time quota assigned"),
                            ("quota_changed", "Time quota changed"),
                            ("quota_removed", "Time quota removed"),
                            ("admin_changed", "Changed in the operators' admin"),
                        ],
                        max_length=40,
                    ),
                ),
                ("actor_id", models.BigIntegerField(null=True)),
                (
                    "actor",
                    models.TextField(blank=True, help_text="Email address; empty for the system and the command line."),
                ),
                ("key", models.TextField(blank=True, help_text="Label of the API key that was used.")),
                ("address", models.GenericIPAddressField(null=True, unpack_ipv4=True)),
                ("organization_id", models.BigIntegerField(null=True)),
                ("target_type", models.TextField(blank=True)),
                ("target_id", models.TextField(blank=True)),
                ("target", models.TextField(blank=True)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization_id", "-id"], name="event_by_organization"),
                    models.Index(fields=["organization_id", "action", "-id"], name="event_by_organization_action"),
                ],
            },
        ),
    ]
