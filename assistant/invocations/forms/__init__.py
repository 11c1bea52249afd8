"""What people type, one module per subject."""

from assistant.invocations.forms.blackouts import BlackoutForm, initial_of_blackout
from assistant.invocations.forms.plans import PlanForm, initial_of_plan
from assistant.invocations.forms.runs import (
    GuardForm,
    InvokeForm,
    RunForm,
    SendForm,
    TermsForm,
    initial_of_run,
)
from assistant.invocations.forms.searching import SearchForm, WordsField

__all__ = [
    "BlackoutForm",
    "GuardForm",
    "InvokeForm",
    "PlanForm",
    "RunForm",
    "SearchForm",
    "SendForm",
    "TermsForm",
    "WordsField",
    "initial_of_blackout",
    "initial_of_plan",
    "initial_of_run",
]
