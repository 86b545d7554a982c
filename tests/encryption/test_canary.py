from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from encryption import canary
from encryption.canary import CanaryError
from encryption.models import Canary

pytestmark = pytest.mark.django_db


def check_database():
    call_command("check", tags=["database"], databases=["default"], stdout=StringIO(), stderr=StringIO())


class TestVerify:
    def test_it_is_content_with_the_key_of_the_first_migration(self):
        canary.verify()

    def test_it_takes_one_query(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            canary.verify()

    def test_a_wrong_key_is_noticed_and_the_message_says_what_to_do(self, keys):
        with pytest.raises(CanaryError, match=r"does not fit this database.* Add the key") as caught:
            canary.verify()

        assert keys[0] not in str(caught.value)

    def test_an_old_key_behind_a_new_one_is_fine(self, settings, keys):
        Canary.objects.update(song=Canary().song)
        settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]
        canary.verify()

    def test_a_missing_canary_is_noticed(self):
        Canary.objects.all().delete()
        with pytest.raises(CanaryError, match="is missing"):
            canary.verify()

    def test_another_text_under_the_right_key_is_noticed(self):
        Canary.objects.update(song="la la la")
        with pytest.raises(CanaryError, match="restore"):
            canary.verify()

    def test_errors_of_the_database_come_through(self):
        def refuse(*args):
            raise DatabaseError("down")

        with connection.execute_wrapper(refuse), pytest.raises(DatabaseError, match="down"):
            canary.verify()


def test_there_is_one_canary_only():
    with pytest.raises(IntegrityError), transaction.atomic():
        Canary.objects.create(pk=2)


class TestCheck:
    def test_it_passes_with_the_right_key(self):
        check_database()

    def test_it_fails_with_a_wrong_key(self, keys):
        with pytest.raises(SystemCheckError, match="does not fit this database"):
            check_database()

    def test_migrate_stops_before_it_changes_anything(self, keys):
        with pytest.raises(SystemCheckError, match="does not fit this database"):
            call_command("migrate", skip_checks=False, stdout=StringIO(), stderr=StringIO())

    def test_it_fails_without_a_canary(self):
        Canary.objects.all().delete()
        with pytest.raises(SystemCheckError, match="is missing"):
            check_database()

    def test_it_is_silent_before_the_migration_that_plants_the_canary(self, keys):
        Canary.objects.all().delete()
        MigrationRecorder(connection).record_unapplied("encryption", "0002_plant_the_canary")
        check_database()

    def test_commands_that_need_no_database_do_not_ask(self, keys, django_assert_num_queries):
        with django_assert_num_queries(0):
            call_command("check", tags=["database"], stdout=StringIO(), stderr=StringIO())


@pytest.mark.django_db(transaction=True)
def test_the_advice_for_an_emptied_database_plants_another(keys):
    Canary.objects.all().delete()
    for target in "0001_initial", "0002_plant_the_canary":
        MigrationExecutor(connection).migrate([("encryption", target)])

    canary.verify()
