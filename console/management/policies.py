"""How commands print policies and decisions."""

from typing import Any

from access.models import Policy
from access.operations.simulations import Answer, Simulation


def described(policy: Policy) -> dict[str, Any]:
    """A policy as RAM's API describes it."""
    return {
        "PolicyName": policy.name,
        "PolicyType": policy.kind,
        "Description": policy.description,
        "DefaultVersion": f"v{policy.version}",
        "AttachmentCount": getattr(policy, "n_attached", None) or policy.attachments.count(),
        "CreateDate": policy.created_at.isoformat(timespec="seconds"),
        "UpdateDate": policy.updated_at.isoformat(timespec="seconds"),
    }


def decided(simulation: Simulation) -> dict[str, Any]:
    """A decision with what made it, as a whole and for each resource."""
    return {
        "decision": simulation.decision,
        "reason": simulation.reason,
        "statement": statement_of(simulation.deciding),
        "missing": list(simulation.missing),
        "resources": [
            {
                "resource": answer.resource,
                "decision": "allow" if answer.is_allowed else "deny",
                "statement": statement_of(answer),
                "missing": list(answer.missing),
                "context": dict(answer.context),
            }
            for answer in simulation.answers
        ],
    }


def statement_of(answer: Answer) -> dict[str, Any] | None:
    found = answer.statement
    if found is None:
        return None
    return {
        "policy": found.policy,
        "index": found.index,
        "effect": found.effect,
        "sentence": found.sentence,
    }
