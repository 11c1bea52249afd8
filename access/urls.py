from django.conf import settings
from django.urls import URLPattern, path

from access.views import access_keys as views_of_access_keys
from access.views import account as views_of_account
from access.views import attachments as views_of_attachments
from access.views import audit as views_of_audit
from access.views import groups as views_of_groups
from access.views import passwords as views_of_passwords
from access.views import policies as views_of_policies
from access.views import quotas as views_of_quotas
from access.views import roles as views_of_roles
from access.views import simulator as views_of_simulator
from access.views import user_sign_ins as views_of_user_sign_ins
from access.views import users as views_of_users

app_name = "access"

single_sign_on: list[URLPattern] = []
if settings.SINGLE_SIGN_ON:
    from access.views import single_sign_on as views_of_single_sign_on

    single_sign_on += [
        path("single-sign-on/", views_of_single_sign_on.sso_start, name="sso_start"),
        path("single-sign-on/callback/", views_of_single_sign_on.sso_callback, name="sso_callback"),
        path("single-sign-on/link/", views_of_single_sign_on.sso_link, name="sso_link"),
        path("single-sign-on/link/confirm/", views_of_single_sign_on.sso_confirm, name="sso_confirm"),
        path("single-sign-on/<str:username>/unlink/", views_of_single_sign_on.sso_unlink, name="sso_unlink"),
    ]

users = [
    path("users/", views_of_users.user_list, name="user_list"),
    # Not below users/, where a user of that name would be in its place.
    path("create-user/", views_of_users.user_create, name="user_create"),
    path("users/<str:username>/", views_of_users.user_detail, name="user_detail"),
    path("users/<str:username>/update/", views_of_users.user_update, name="user_update"),
    path("users/<str:username>/disable/", views_of_users.user_disable, name="user_disable"),
    path("users/<str:username>/enable/", views_of_users.user_enable, name="user_enable"),
    path("users/<str:username>/delete/", views_of_users.user_delete, name="user_delete"),
    path("users/<str:username>/groups/", views_of_groups.user_join, name="user_join"),
    path(
        "users/<str:username>/reset-password/",
        views_of_user_sign_ins.user_reset_password,
        name="user_reset_password",
    ),
    path("users/<str:username>/unbind/", views_of_user_sign_ins.user_unbind, name="user_unbind"),
    path("users/<str:username>/sign-out/", views_of_user_sign_ins.user_sign_out, name="user_sign_out"),
    path("users/<str:username>/attach/", views_of_attachments.user_attach, name="user_attach"),
    path(
        "users/<str:username>/detach/<str:policy_name>/",
        views_of_attachments.user_detach,
        name="user_detach",
    ),
]

groups = [
    path("groups/", views_of_groups.group_list, name="group_list"),
    path("create-group/", views_of_groups.group_create, name="group_create"),
    path("groups/<str:group_name>/", views_of_groups.group_detail, name="group_detail"),
    path("groups/<str:group_name>/rename/", views_of_groups.group_rename, name="group_rename"),
    path("groups/<str:group_name>/delete/", views_of_groups.group_delete, name="group_delete"),
    path("groups/<str:group_name>/add/", views_of_groups.group_add_members, name="group_add_members"),
    path(
        "groups/<str:group_name>/remove/<str:username>/",
        views_of_groups.group_remove_member,
        name="group_remove_member",
    ),
    path("groups/<str:group_name>/attach/", views_of_attachments.group_attach, name="group_attach"),
    path(
        "groups/<str:group_name>/detach/<str:policy_name>/",
        views_of_attachments.group_detach,
        name="group_detach",
    ),
]

roles = [
    path("roles/", views_of_roles.role_list, name="role_list"),
    path("create-role/", views_of_roles.role_create, name="role_create"),
    path("roles/<str:role_name>/", views_of_roles.role_detail, name="role_detail"),
    path("roles/<str:role_name>/update/", views_of_roles.role_update, name="role_update"),
    path("roles/<str:role_name>/delete/", views_of_roles.role_delete, name="role_delete"),
    path("roles/<str:role_name>/attach/", views_of_attachments.role_attach, name="role_attach"),
    path(
        "roles/<str:role_name>/detach/<str:policy_name>/",
        views_of_attachments.role_detach,
        name="role_detach",
    ),
]

access_keys = [
    path("access-keys/", views_of_access_keys.access_key_list, name="access_key_list"),
    path(
        "users/<str:username>/access-keys/create/",
        views_of_access_keys.access_key_create,
        name="access_key_create",
    ),
    path(
        "access-keys/<str:key_id>/rotate/", views_of_access_keys.access_key_rotate, name="access_key_rotate"
    ),
    path(
        "access-keys/<str:key_id>/disable/",
        views_of_access_keys.access_key_disable,
        name="access_key_disable",
    ),
    path(
        "access-keys/<str:key_id>/enable/", views_of_access_keys.access_key_enable, name="access_key_enable"
    ),
    path(
        "access-keys/<str:key_id>/delete/", views_of_access_keys.access_key_delete, name="access_key_delete"
    ),
]

password_policy = [
    path("password-policy/", views_of_passwords.password_policy, name="password_policy"),
    path("password-policy/set/", views_of_passwords.password_policy_set, name="password_policy_set"),
]

# What is everybody's own: at /console/account/, with names of its own.
account = [
    path("", views_of_account.profile, name="profile"),
    path("second-factor/", views_of_account.second_factor, name="second_factor"),
    path("second-factor/begin/", views_of_account.second_factor_begin, name="second_factor_begin"),
    path("second-factor/confirm/", views_of_account.second_factor_confirm, name="second_factor_confirm"),
    path("second-factor/remove/", views_of_account.second_factor_remove, name="second_factor_remove"),
    path("recovery-codes/create/", views_of_account.recovery_codes_create, name="recovery_codes_create"),
    path("sessions/", views_of_account.session_list, name="session_list"),
    path("sessions/end-others/", views_of_account.session_end_others, name="session_end_others"),
    path("sessions/<str:handle>/end/", views_of_account.session_end, name="session_end"),
    path("roles/", views_of_account.role_list, name="role_list"),
    path("roles/leave/", views_of_account.role_leave, name="role_leave"),
    path("roles/<str:name>/assume/", views_of_account.role_assume, name="role_assume"),
]

quotas = [
    path("quotas/", views_of_quotas.quota_list, name="quota_list"),
    path("quotas/<str:name>/<str:region_id>/", views_of_quotas.quota_update, name="quota_update"),
    path("quotas/<str:name>/<str:region_id>/reset/", views_of_quotas.quota_reset, name="quota_reset"),
]

audit = [
    path("audit/", views_of_audit.audit_list, name="audit_list"),
    path("audit/export/", views_of_audit.audit_export, name="audit_export"),
    path("audit/<int:entry_id>/", views_of_audit.audit_detail, name="audit_detail"),
]

policies = [
    path("policies/", views_of_policies.policy_list, name="policy_list"),
    path("create-policy/", views_of_policies.policy_create, name="policy_create"),
    path("explain-policy/", views_of_policies.policy_explain, name="policy_explain"),
    path("policies/<str:policy_name>/", views_of_policies.policy_detail, name="policy_detail"),
    path("policies/<str:policy_name>/update/", views_of_policies.policy_update, name="policy_update"),
    path("policies/<str:policy_name>/compare/", views_of_policies.policy_compare, name="policy_compare"),
    path("policies/<str:policy_name>/attach/", views_of_policies.policy_attach, name="policy_attach"),
    path("policies/<str:policy_name>/delete/", views_of_policies.policy_delete, name="policy_delete"),
    path(
        "policies/<str:policy_name>/versions/<int:number>/set/",
        views_of_policies.policy_set_version,
        name="policy_set_version",
    ),
    path("simulator/", views_of_simulator.simulator, name="simulator"),
]

urlpatterns = (
    policies + password_policy + users + groups + roles + access_keys + single_sign_on + quotas + audit
)
