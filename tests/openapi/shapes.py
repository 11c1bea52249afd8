"""Whether an answer is what its action declares: these names, these types, and no others."""


def misfits(said, shape, where="answer"):
    """What differs, in words. A scalar may be absent; lists and what wraps them may not."""
    if isinstance(shape, dict):
        return misfits_of_object(said, shape, where)
    if isinstance(shape, list):
        if not isinstance(said, list):
            return [f"{where} is no list: {said!r}"]
        return [fault for one in said for fault in misfits(one, shape[0], f"{where}[]")]
    return [] if type(said) is shape else [f"{where} is {said!r}, not of {shape.__name__}"]


def misfits_of_object(said, shape, where):
    if not isinstance(said, dict):
        return [f"{where} is no object: {said!r}"]
    faults = [f"{where}.{name} is not declared" for name in said.keys() - shape.keys()]
    for name, kind in shape.items():
        if name in said:
            faults += misfits(said[name], kind, f"{where}.{name}")
        elif isinstance(kind, dict | list):
            faults.append(f"{where}.{name} is missing")
    return faults
