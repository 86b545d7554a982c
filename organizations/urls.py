"""Addresses of organizations: pages below /, endpoints below /api/v1/."""

from django.urls import path

from . import api, audit_api, audit_views, invitation_views, key_api, key_views, member_views, settings_views, views

PAGES = "o/<slug:organization>"

urlpatterns = [
    path("", views.home, name="home"),
    path("organizations/new", views.create_organization, name="create-organization"),
    path("invitations/<token>", views.accept_invitation, name="accept-invitation"),
    path("invitations/<token>/sign-up", views.sign_up_invited, name="sign-up-invited"),
    path(f"{PAGES}/settings", settings_views.organization_settings, name="organization-settings"),
    path(f"{PAGES}/settings/sign-in", settings_views.sign_in_rules, name="sign-in-rules"),
    path(f"{PAGES}/close", settings_views.close_organization, name="close-organization"),
    path(f"{PAGES}/closed", settings_views.closed_organization, name="closed-organization"),
    path(f"{PAGES}/reopen", settings_views.reopen_organization, name="reopen-organization"),
    path(f"{PAGES}/leave", member_views.leave, name="leave-organization"),
    path(f"{PAGES}/members", member_views.members, name="members"),
    path(f"{PAGES}/members/<int:member_id>/role", member_views.change_role, name="change-role"),
    path(f"{PAGES}/members/<int:member_id>/remove", member_views.remove_member, name="remove-member"),
    path(f"{PAGES}/members/keys", key_views.all_keys, name="all-keys"),
    path(f"{PAGES}/members/keys/<int:key_id>/revoke", key_views.revoke_anyones_key, name="revoke-anyones-key"),
    path(f"{PAGES}/members/invite", invitation_views.invite, name="invite"),
    path(f"{PAGES}/members/invite/send", invitation_views.send_invitations, name="send-invitations"),
    path(f"{PAGES}/members/invitations", invitation_views.invitations, name="invitations"),
    path(
        f"{PAGES}/members/invitations/<int:invitation_id>/resend",
        invitation_views.resend_invitation,
        name="resend-invitation",
    ),
    path(
        f"{PAGES}/members/invitations/<int:invitation_id>/revoke",
        invitation_views.revoke_invitation,
        name="revoke-invitation",
    ),
    path(f"{PAGES}/keys", key_views.keys, name="keys"),
    path(f"{PAGES}/keys/new", key_views.issue_key, name="issue-key"),
    path(f"{PAGES}/keys/<int:key_id>/rename", key_views.rename_key, name="rename-key"),
    path(f"{PAGES}/keys/<int:key_id>/revoke", key_views.revoke_key, name="revoke-key"),
    path(f"{PAGES}/audit", audit_views.audit_log, name="audit-log"),
    path(f"{PAGES}/audit.csv", audit_views.export_audit_log, name="export-audit-log"),
]

ORGANIZATION = "organizations/<slug:organization>"

api_urlpatterns = [
    path("organizations", api.MyOrganizations.as_view()),
    path(ORGANIZATION, api.OrganizationDetail.as_view()),
    path(f"{ORGANIZATION}/membership", api.MyMembership.as_view()),
    path(f"{ORGANIZATION}/members", api.Members.as_view()),
    path(f"{ORGANIZATION}/members/<int:member_id>", api.MemberDetail.as_view()),
    path(f"{ORGANIZATION}/members/<int:member_id>/api-keys", key_api.MemberKeys.as_view()),
    path(f"{ORGANIZATION}/members/<int:member_id>/api-keys/<int:key_id>", key_api.MemberKeyDetail.as_view()),
    path(f"{ORGANIZATION}/invitations", api.Invitations.as_view()),
    path(f"{ORGANIZATION}/invitations/<int:invitation_id>", api.InvitationDetail.as_view()),
    path(f"{ORGANIZATION}/api-keys", key_api.Keys.as_view()),
    path(f"{ORGANIZATION}/api-keys/<int:key_id>", key_api.KeyDetail.as_view()),
    path(f"{ORGANIZATION}/audit", audit_api.AuditLog.as_view()),
]
