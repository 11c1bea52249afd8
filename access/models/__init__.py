"""The truth about who may do what, one module per subject."""

from access.models.audit import AuditEntry, AuditHead
from access.models.external_identities import ExternalIdentity
from access.models.keys import AccessKey, DataKey
from access.models.policies import Policy, PolicyAttachment, PolicyVersion
from access.models.quotas import Quota, QuotaUse
from access.models.users import (
    Authenticator,
    PasswordPolicy,
    RecoveryCode,
    Role,
    Session,
    UsedPassword,
    User,
)

__all__ = [
    "AccessKey",
    "AuditEntry",
    "AuditHead",
    "Authenticator",
    "DataKey",
    "ExternalIdentity",
    "PasswordPolicy",
    "Policy",
    "PolicyAttachment",
    "PolicyVersion",
    "Quota",
    "QuotaUse",
    "RecoveryCode",
    "Role",
    "Session",
    "UsedPassword",
    "User",
]
