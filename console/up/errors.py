class CannotStart(Exception):
    """Why nothing is started, as a sentence that says what to do."""
