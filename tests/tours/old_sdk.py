"""What scripts of former years do with tokens and quotas; runs in an environment with a luna-quantum of that time.

usage: LUNA_BASE_URL=... python old_sdk.py ADMIN_KEY MEMBER_KEY MEMBER_EMAIL
"""

import sys
from importlib.metadata import version

from luna_quantum import LunaSolve
from luna_quantum.client.schemas.enums.qpu_token_type import QpuTokenTypeEnum

GROUP, PERSONAL = QpuTokenTypeEnum.GROUP, QpuTokenTypeEnum.PERSONAL
VERSION = version("luna-quantum")
LISTS_SHOW_QUOTAS = tuple(map(int, VERSION.split("."))) >= (1, 2, 2)
NAME, NEW_NAME = f"sdk {VERSION}", f"renamed by sdk {VERSION}"


def walk_tokens(admin, member):
    for token_type in (GROUP, PERSONAL):
        created = admin.create(name=NAME, provider="dwave", token="a-secret", token_type=token_type)
        assert (created.name, created.provider, created.token_type) == (NAME, "dwave", token_type), created
        assert NAME in [token.name for token in admin.get_all(token_type=token_type)[token_type]]
        assert admin.get(NAME, token_type).provider == "dwave"
        assert admin.rename(NAME, NEW_NAME, token_type).name == NEW_NAME

    assert [token.name for token in member.get_all(limit=50)[PERSONAL]] == []
    assert NEW_NAME in [token.name for token in member.get_all(limit=50)[GROUP]]


def walk_quotas(admin, member, member_email):
    assert admin.get_group_time_quota(NEW_NAME) is None
    admin.create_group_time_quota(NEW_NAME, quota=5_000)
    admin.create_user_time_quota(NEW_NAME, member_email, quota=2_000)

    quota = admin.get_group_time_quota(NEW_NAME)
    assert (quota.quota, quota.quota_used, (quota.end - quota.start).days) == (5_000, 0, 365), quota
    assert member.get_user_time_quota(NEW_NAME, member_email).quota == 2_000

    of_admin, of_member = listed_by(admin), listed_by(member)
    if LISTS_SHOW_QUOTAS:
        assert of_admin.group_time_quota.quota == 5_000, of_admin
        assert [quota.quota for quota in of_member.user_time_quota.values()] == [2_000], of_member

    admin.update_group_time_quota(NEW_NAME, quota=6_000)
    admin.update_user_time_quota(NEW_NAME, member_email, quota=3_000)
    assert admin.get_group_time_quota(NEW_NAME).quota == 6_000
    assert admin.get_user_time_quota(NEW_NAME, member_email).quota == 3_000

    admin.delete_user_time_quota(NEW_NAME, member_email)
    admin.delete_group_time_quota(NEW_NAME)
    assert admin.get_group_time_quota(NEW_NAME) is None


def listed_by(client):
    return next(token for token in client.get_all(limit=50)[GROUP] if token.name == NEW_NAME)


def main(admin_key, member_key, member_email):
    admin, member = LunaSolve(api_key=admin_key).qpu_token, LunaSolve(api_key=member_key).qpu_token
    walk_tokens(admin, member)
    walk_quotas(admin, member, member_email)
    for token_type in (GROUP, PERSONAL):
        admin.delete(NEW_NAME, token_type)
    left = admin.get_all(limit=50)
    assert NEW_NAME not in [token.name for tokens in left.values() for token in tokens]


main(*sys.argv[1:])
