"""What can go wrong with the demo, said once."""


class DemoError(Exception):
    """The demo cannot go on: what, which value, what to do."""
