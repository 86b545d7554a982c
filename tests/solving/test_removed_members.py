"""A member is removed in the instant in which a program of theirs writes something: it is refused, in words."""

from contextlib import suppress
from functools import partial
from itertools import count

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from organizations.models import ApiKey, Membership
from organizations.services import issue_key, remove_member
from solving.models import SolveJob, UploadedModel
from solving.services import delete_model, submit_job, upload_model
from solving.solvers import find_solver
from tests.conftest import join
from tests.quotas.crowd import at_once

pytestmark = pytest.mark.django_db(transaction=True)

numbers = count()


class Program:
    """What a member's requests do once they were let in."""

    def __init__(self, number):
        joined = join("Acme", f"member{number}@example.com", "member")
        self.member = Membership.objects.select_related("user", "organization").get(pk=joined.pk)
        self.model = self.upload()

    def upload(self):
        return upload_model(data=str(next(numbers)).encode(), by=self.member, now=timezone.now())

    def solve(self):
        solver = find_solver("dwave", "SA")
        submit_job(model=self.model, solver=solver, parameters={}, token=None, by=self.member, now=timezone.now())

    def make_key(self):
        issue_key(name="another", by=self.member, now=timezone.now())

    def delete(self):
        delete_model(model=self.upload(), by=self.member)


@pytest.fixture
def remove(alice):
    """remove(member): as another request does."""
    return lambda member: remove_member(membership=Membership.objects.get(pk=member.pk), by=alice)


WRITES = [Program.upload, Program.solve, Program.make_key, Program.delete]


@pytest.mark.parametrize("write", WRITES)
def test_who_is_removed_after_they_were_let_in_writes_nothing(remove, write):
    program = Program(1)
    remove(program.member)

    with pytest.raises(PermissionDenied, match=r"You are no longer a member of Acme\."):
        write(program)

    assert not SolveJob.objects.exists()
    assert not UploadedModel.objects.exists()
    assert not ApiKey.objects.filter(name="another").exists()


@pytest.mark.parametrize("write", WRITES)
def test_neither_side_meets_an_error_when_both_come_at_once(remove, alice, write):
    programs = [Program(number) for number in range(5)]

    def write_on(program):
        with suppress(PermissionDenied):
            for _ in range(20):
                write(program)

    writing = [partial(write_on, program) for program in programs]
    removing = [partial(remove, program.member) for program in programs]

    assert at_once(writing + removing) == [None] * 10

    assert list(Membership.objects.filter(organization=alice.organization)) == [alice]
