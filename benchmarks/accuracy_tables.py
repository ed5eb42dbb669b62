"""How much of what was said of labelled pictures is right, as tables."""

from collections import Counter
from statistics import mean
from typing import Any

from posture.vision.verdict import Status

Verdicts = dict[str, dict[str, Any]]

_NEITHER = ("cannot_be_measured", "not_Good_or_Bad")
_AMBIGUOUS = "ambiguous"
_FREE = 40.0  # degrees off the side beyond which nobody need be judged
_JUDGED = (Status.GOOD, Status.BAD)


def is_right(status: str | None, label: dict[str, Any]) -> bool:
    """Whether a status meets a label."""
    expected = label["expected"]
    if expected in _NEITHER or _need_not_be_judged(label):
        return status in (Status.PARTIAL, Status.NONE) or status == expected
    return bool(status == expected)


def _need_not_be_judged(label: dict[str, Any]) -> bool:
    return label["expected"] in _JUDGED and label.get("off_side", 0) > _FREE


def view_of(label: dict[str, Any]) -> str:
    """From where the person is seen, as far as the label tells."""
    if "view" in label:
        return str(label["view"])
    if "off_side" not in label:
        return "-"
    off = label["off_side"]
    return "side" if off <= 30 else "oblique" if off <= 60 else "front or back"


def show_confusion(verdicts: Verdicts, labels: Verdicts) -> None:
    """What was expected against what was said, and each picture that is wrong."""
    pairs = Counter[tuple[str, str]]()
    for name, said in _labelled(verdicts, labels):
        pairs[labels[name]["expected"], said["status"] or "refused"] += 1
    columns = sorted({status for _, status in pairs})
    print(f"{'expected':24}" + "".join(f"{each:>28}" for each in columns))
    for expected in sorted({expected for expected, _ in pairs}):
        counts = "".join(f"{pairs[expected, each]:>28}" for each in columns)
        print(f"{expected:24}{counts}")
    wrong = [
        f"  {name}: {said['status']} {said['neck']} {said['body']} "
        f"{said.get('reason') or ''}, not {labels[name]['expected']}"
        for name, said in _counted(verdicts, labels)
        if not is_right(said["status"], labels[name])
    ]
    if wrong:
        print("wrong:", *wrong, sep="\n")


def show_counts(verdicts: Verdicts, labels: Verdicts) -> None:
    """How many are right: by kind, by view, of those judged, and in all."""
    counted = list(_counted(verdicts, labels))
    rows = [("kind " + labels[n].get("kind", "-"), n, v) for n, v in counted]
    rows += [("view " + view_of(labels[n]), n, v) for n, v in counted]
    rows += [("judged Good or Bad", n, v) for n, v in counted if v["status"] in _JUDGED]
    rows += [("right", n, v) for n, v in counted]
    right, total = Counter[str](), Counter[str]()
    for group, name, said in rows:
        total[group] += 1
        right[group] += is_right(said["status"], labels[name])
    for group, number in total.items():
        share = right[group] / number
        judged = sum(v["status"] in _JUDGED for g, _, v in rows if g == group)
        print(f"{group}: {right[group]} of {number}, {share:.1%} ({judged} judged)")


def show_angles(verdicts: Verdicts, labels: Verdicts) -> None:
    """How far the angles are off, where labels have angles."""
    for part, label in (("neck", "neck"), ("body", "torso")):
        errors = [
            said[part] - labels[name][label]
            for name, said in _labelled(verdicts, labels)
            if said[part] is not None and label in labels[name]
        ]
        if errors:
            sizes = [abs(each) for each in errors]
            print(
                f"{part}: off by {mean(sizes):.1f} degrees on average, "
                f"{max(sizes):.1f} at most, {mean(errors):+.1f} in all "
                f"({len(errors)} pictures)"
            )


def summary(verdicts: Verdicts, labels: Verdicts) -> str:
    """How much is right, in few words."""
    counted = list(_counted(verdicts, labels))
    right = [is_right(said["status"], labels[name]) for name, said in counted]
    judged = [
        is_right(said["status"], labels[name])
        for name, said in counted
        if said["status"] in _JUDGED
    ]
    return (
        f"{sum(right)} of {len(right)} right; "
        f"of those judged Good or Bad {sum(judged)} of {len(judged)}"
    )


def _labelled(verdicts: Verdicts, labels: Verdicts) -> list[tuple[str, dict[str, Any]]]:
    return [(name, said) for name, said in verdicts.items() if name in labels]


def _counted(verdicts: Verdicts, labels: Verdicts) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, said)
        for name, said in _labelled(verdicts, labels)
        if labels[name]["expected"] != _AMBIGUOUS
    ]
