from django.apps import AppConfig


class InvocationsConfig(AppConfig):
    name = "assistant.invocations"
    verbose_name = "Invocations"

    def ready(self) -> None:
        from access.operations.secrets import keep_sealed  # noqa: PLC0415 - models are there now
        from assistant.invocations import receivers  # noqa: F401, PLC0415 - connects itself
        from assistant.invocations.models import Invocation  # noqa: PLC0415

        keep_sealed(Invocation, "sealed_parameters")
        self.tell_quotas()

    def tell_quotas(self) -> None:
        from access.operations.quotas import count_with  # noqa: PLC0415
        from access.rules.quotas import RESULTS  # noqa: PLC0415
        from assistant.invocations.operations.retention import results_in  # noqa: PLC0415

        count_with(RESULTS, results_in)
