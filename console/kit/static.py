"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedFilesStorage(ManifestStaticFilesStorage):
    # Our modules import each other by name, so the names in them are hashed too. Only in ours: the
    # expressions that find imports also find some in the minified text of packages.
    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]  # noqa: SLF001 - narrows it
    )
