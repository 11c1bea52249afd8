"""A browser by the name it sends along: enough to tell one's own sessions apart, no more."""

# The first that is found counts: most browsers also claim to be others.
BROWSERS = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
]
SYSTEMS = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]


def browser_named(user_agent: str) -> str:
    """`Firefox, Linux`; what cannot be told is left out."""
    return ", ".join(filter(None, (first_in(BROWSERS, user_agent), first_in(SYSTEMS, user_agent))))


def first_in(names: list[tuple[str, str]], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
