"""Addresses of organizations: pages below /, endpoints below /api/v1/."""

from django.urls import path

from . import api, audit_api, key_api, views

urlpatterns = [
    path("", views.home, name="home"),
    path("organizations/new", views.create_organization, name="create-organization"),
    path("invitations/<token>", views.accept_invitation, name="accept-invitation"),
    path("invitations/<token>/sign-up", views.sign_up_invited, name="sign-up-invited"),
    path("o/<slug:organization>/keys/new", views.issue_key, name="issue-key"),
    path("o/<slug:organization>/keys/<int:key_id>/revoke", views.revoke_key, name="revoke-key"),
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
