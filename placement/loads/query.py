"""The one PromQL query that reads every load together with what makes it doubtful."""

from placement.loads.expressions import Load
from placement.settings import LoadSettings

PART = "posture_part"
"""Label that tells the parts of the answer apart: its value is `<kind> <number>`."""

_SHOWN = 1000
_SHORTEST_RATE = 60.0  # seconds: four scrapes


def build_query(settings: LoadSettings) -> str:
    """PromQL whose answer holds, for every load by its number, these parts.

    - `load`: percent, averaged over the window;
    - `odd`: a sample of the window that is no percentage, if there was one;
    - `old`: seconds since the last sample, where that is too long;
    - `age`: the same, to be shown, for the oldest thousand;

    and, numbered 0:

    - `down`: targets that could not be scraped;
    - `file`: textfiles that hold loads and are too old, or from the future;
    - `only`: the same for the only textfile of its target, whatever its name;
    - `push`: what a Pushgateway repeats, and was pushed too long ago;
    - `nan`: nothing but NaN, from a server that keeps it;
    - `why`: in the label `reason`, why the node agent tells no load;
    - `own`: cores of a node that our own workers use, for the loads of CPUs.
    """
    parts = []
    for number, load in enumerate(settings.all):
        parts += _load_parts(load, settings, number)
    parts += _guards(settings)
    if settings.cpu_metrics:
        parts.append(_own_part(settings))
    return "\nor ".join(parts)


def _load_parts(load: Load, settings: LoadSettings, number: int) -> list[str]:
    now, over = _now_and_window(load, settings.window)
    # Without `and now`, the average outlives a dead exporter by the whole window;
    # without `or now`, a metric scraped less often than that would come and go.
    average = f"((avg_over_time({over}) and {now}) or {now}) * {load.scale!r}"
    most = 100 / load.scale
    odd = f"(min_over_time({over}) < 0 or max_over_time({over}) > {most!r})"
    parts = [_part("load", number, average), _part("odd", number, odd)]
    if load.is_metric:
        age = f"(time() - timestamp({now}))"
        parts.append(_part("old", number, f"{age} > {settings.max_age!r}"))
        # Only shown, so that ten thousand nodes need not answer twice as much.
        parts.append(_part("age", number, f"topk({_SHOWN}, {age})"))
    return parts


def _now_and_window(load: Load, window: float) -> tuple[str, str]:
    length = _duration(window)
    if load.is_metric:
        return load.query, f"{load.query}[{length}]"
    now = f"({load.query}\n)"  # a comment at its end must not hide the bracket
    return now, f"{now}[{length}:{_duration(window / 6)}]"


def _guards(settings: LoadSettings) -> list[str]:
    # An age far below 0 says as little as a great one: the node's clock is wrong.
    pattern = settings.textfile.replace("\\", "\\\\").replace('"', '\\"')
    files = "node_textfile_mtime_seconds"
    named = f'{files}{{file=~"{pattern}"}}'
    by = "(job, instance, exported_job, exported_instance)"
    only = f"({files} and on {by} count by {by} ({files}) == 1)"
    pushed = "time() - push_time_seconds"
    old = f"> {settings.max_age!r}"
    return [
        _part("down", 0, "up == 0"),
        _part("file", 0, f"abs(time() - {named}) {old}"),
        _part("only", 0, f"abs(time() - {only}) {old}"),
        _part("push", 0, f"{pushed} {old}"),
        _part("nan", 0, "vector(NaN)"),
        _part("why", 0, 'posture_node_reading_problem{reading=~"gpu|cpu"}'),
    ]


def _own_part(settings: LoadSettings) -> str:
    # One series each on both sides, whatever is scraped twice: the query cannot fail.
    length = _duration(max(settings.window, _SHORTEST_RATE))
    per = "by (job, instance)"
    used = f"sum {per} (rate(process_cpu_seconds_total[{length}]))"
    worker = f"topk {per} (1, posture_worker_info)"
    joined = f"{worker} * on (job, instance) group_left () {used}"
    return _part("own", 0, f"sum by (node) ({joined})")


def _part(kind: str, number: int, expression: str) -> str:
    return f'label_replace({expression}, "{PART}", "{kind} {number}", "", "")'


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
