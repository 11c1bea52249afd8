"""How two versions of a policy differ, line by line."""

import json

from console.kit.differences import Line, lines_between


def difference(old: str, new: str) -> list[Line]:
    """The lines that differ with some around them; none where only the layout does."""
    return lines_between(laid_out(old), laid_out(new))


def laid_out(document: str) -> list[str]:
    """The document as if all authors used the same layout, so that only what it says is compared."""
    return json.dumps(json.loads(document), indent=2, ensure_ascii=False).splitlines()
