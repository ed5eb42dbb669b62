"""What can go wrong in placement, said once."""


class PlacementError(Exception):
    """Something that the operator has to know: what, which value, what to do."""
