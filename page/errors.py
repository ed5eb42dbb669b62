"""What can go wrong with the live page, said once."""


class PageError(Exception):
    """The page cannot do this: what, which value, what to do."""
