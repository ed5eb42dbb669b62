"""The one error of the readers."""


class ReadingError(Exception):
    """Something could not be read; its text is the reason, without figures.

    The reason becomes a label of a metric, so it must not change from look to look.
    """
