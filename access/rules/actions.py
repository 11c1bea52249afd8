"""Every action that is asked for here: on which kinds of resource, and what it is in words (CA-249).

Patterns in policies may name others; they allow nothing that this console can do.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from access.rules.conditions import folded


class Action(NamedTuple):
    """An action by its name, the types of resource that a call of it needs, and its words."""

    name: str
    types: tuple[str, ...]
    label: Any

    @property
    def service(self) -> str:
        return self.name.partition(":")[0]


def actions(service: str, rows: Iterable[tuple[str, str, Any]]) -> list[Action]:
    return [Action(f"{service}:{name}", tuple(types.split()), label) for name, types, label in rows]


ALL = [
    *actions(
        "ecs",
        [
            ("DescribeRegions", "", _("see the regions")),
            ("DescribeAccountAttributes", "", _("see quotas and their use")),
            ("DescribeInstances", "instance", _("see instances")),
            ("DescribeInstanceStatus", "instance", _("see whether instances can be reached")),
            ("DescribeManagedInstances", "instance", _("see managed instances")),
            ("ModifyManagedInstance", "instance", _("rename managed instances")),
            ("DeregisterManagedInstance", "instance", _("deregister managed instances")),
            ("DescribeTags", "instance", _("see tags")),
            ("DescribeTagKeys", "instance", _("see tag keys")),
            ("TagResources", "instance", _("put tags on instances")),
            ("ListTagResources", "instance", _("list tags by resource")),
            ("UntagResources", "instance", _("take tags off instances")),
            ("DescribeCloudAssistantStatus", "instance", _("see the state of clients")),
            ("InstallCloudAssistant", "instance", _("install clients")),
            ("DescribeActivations", "activation", _("see activation codes")),
            ("CreateActivation", "activation", _("create activation codes")),
            ("DisableActivation", "activation", _("disable activation codes")),
            ("DeleteActivation", "activation", _("delete activation codes")),
            ("DescribeCommands", "command", _("see commands")),
            ("CreateCommand", "command", _("create commands")),
            ("ModifyCommand", "command", _("change commands")),
            ("DeleteCommand", "command", _("delete commands")),
            ("InvokeCommand", "command instance", _("run saved commands")),
            ("RunCommand", "instance command", _("run commands")),
            ("DescribeInvocations", "instance command", _("see runs")),
            ("DescribeInvocationResults", "instance command", _("read results")),
            ("StopInvocation", "instance", _("stop runs")),
            ("RebootInstance", "instance", _("restart servers")),
            ("ModifyInvocationAttribute", "instance", _("add instances to plans")),
            # Ours.
            ("CreateWebhook", "", _("create webhooks")),
            ("ModifyWebhook", "", _("switch webhooks on and off")),
            ("DeleteWebhook", "", _("delete webhooks")),
            ("CreateBlackoutWindow", "", _("create blackout windows")),
            ("ModifyBlackoutWindow", "", _("change blackout windows")),
            ("DeleteBlackoutWindow", "", _("delete blackout windows")),
            ("SendFile", "instance", _("send files")),
            ("DescribeSendFileResults", "instance", _("see files sent")),
            ("ListServiceSettings", "servicesettings", _("see the settings of result delivery")),
            ("UpdateServiceSettings", "servicesettings", _("change the settings of result delivery")),
        ],
    ),
    *actions(
        "ram",
        [
            ("ListUsers", "user", _("see users")),
            ("CreateUser", "user", _("create users")),
            ("UpdateUser", "user", _("change users")),
            ("DeleteUser", "user", _("delete users")),
            ("UpdateLoginProfile", "user", _("set passwords and sign-in rules of users")),
            ("UnbindMFADevice", "user", _("take second factors off users")),
            ("LinkExternalIdentity", "user", _("link users to single sign-on")),
            ("UnlinkExternalIdentity", "user", _("take users' links to single sign-on away")),
            ("ListAccessKeys", "user", _("see access keys")),
            ("CreateAccessKey", "user", _("create access keys")),
            ("UpdateAccessKey", "user", _("enable and disable access keys")),
            ("DeleteAccessKey", "user", _("delete access keys")),
            ("ListGroups", "group", _("see groups")),
            ("CreateGroup", "group", _("create groups")),
            ("UpdateGroup", "group", _("change groups")),
            ("DeleteGroup", "group", _("delete groups")),
            ("AddUserToGroup", "user group", _("put users into groups")),
            ("RemoveUserFromGroup", "user group", _("take users out of groups")),
            ("ListRoles", "role", _("see roles")),
            ("CreateRole", "role", _("create roles")),
            ("UpdateRole", "role", _("change roles")),
            ("DeleteRole", "role", _("delete roles")),
            ("ListPolicies", "policy", _("see policies")),
            ("CreatePolicy", "policy", _("create policies")),
            ("CreatePolicyVersion", "policy", _("change policies")),
            ("SetDefaultPolicyVersion", "policy", _("go back to an earlier version of policies")),
            ("DeletePolicy", "policy", _("delete policies")),
            ("AttachPolicyToUser", "policy user", _("attach policies to users")),
            ("DetachPolicyFromUser", "policy user", _("detach policies from users")),
            ("AttachPolicyToGroup", "policy group", _("attach policies to groups")),
            ("DetachPolicyFromGroup", "policy group", _("detach policies from groups")),
            ("AttachPolicyToRole", "policy role", _("attach policies to roles")),
            ("DetachPolicyFromRole", "policy role", _("detach policies from roles")),
            ("SimulatePolicy", "user role", _("ask what others may do")),
            ("GetPasswordPolicy", "", _("see what passwords must be like")),
            ("SetPasswordPolicy", "", _("say what passwords must be like")),
            ("CreateServiceLinkedRole", "role", _("create roles of services")),
            ("DeleteServiceLinkedRole", "role", _("delete roles of services")),
        ],
    ),
    *actions("sts", [("AssumeRole", "role", _("take on roles"))]),
    *actions("actiontrail", [("LookupEvents", "", _("read the audit trail"))]),
    *actions(
        "quotas",
        [
            ("ListProductQuotas", "", _("see quotas")),
            ("UpdateProductQuota", "", _("change quotas")),
        ],
    ),
]

# What no policy decides: everybody does it with what is theirs, or administrators alone do it. The audit
# trail knows these names; policies that say them say nothing.
UNDECIDED = frozenset(
    {
        "ram:SignIn",
        "ram:ChangePassword",
        "ram:BindMFADevice",
        "ram:CreateRecoveryCodes",
        "ram:EndSession",
        "sts:LeaveRole",
        "ram:RotateKeys",
        "ecs:PurgeResults",
        "ecs:CreateSelection",
        "ecs:ModifySelection",
        "ecs:DeleteSelection",
    }
)

BY_NAME = {folded(action.name): action for action in ALL}


def known(name: str) -> Action | None:
    """The action of this name, whatever its case."""
    return BY_NAME.get(folded(name))
