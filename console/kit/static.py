"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedFilesStorage(ManifestStaticFilesStorage):
    # Our modules import each other by name; the names in them are hashed too.
    support_js_module_import_aggregation = True
