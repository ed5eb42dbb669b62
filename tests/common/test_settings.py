"""Every setting is declared once, and an old name is known for one more version."""

import argparse
import dataclasses
import importlib
from pathlib import Path

import pytest

from common import options
from common.options import add_arguments, option, read, same
from scaler.settings import ScalerSettings

ROOT = Path(__file__).parents[2]


def settings_classes():
    """Every settings class of the project."""
    for path in ROOT.glob("*/**/*settings.py"):
        room, *_ = path.relative_to(ROOT).parts
        if room in ("tests", ".venv") or not (ROOT / room / "__init__.py").exists():
            continue
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        yield from (
            each
            for each in vars(module).values()
            if isinstance(each, type)
            and dataclasses.is_dataclass(each)
            and all(
                {"option", "section"} & field.metadata.keys()
                for field in dataclasses.fields(each)
            )
        )


def test_every_variable_is_declared_once():
    declared = {}
    for each in settings_classes():
        for field in dataclasses.fields(each):
            if made := field.metadata.get("option"):
                known = declared.setdefault(made.env, [])
                if made not in known:
                    known.append(made)
    assert {"WORKERS", "MQTT_TOPIC", "SCALER_PORT", "MODEL"} <= declared.keys()
    # Those that the same function makes for each class are equal, too.
    twice = {env: made for env, made in declared.items() if len(made) > 1}
    assert twice == {}


def test_a_flag_means_one_thing_in_every_script():
    flags = {}
    for each in settings_classes():
        for made in options.options_of(each):
            flags.setdefault(made.flag, set()).add(made.env)
    assert flags.get("--port") is None
    ports = {flag: names for flag, names in flags.items() if flag.endswith("-port")}
    assert ports["--scaler-port"] == {"SCALER_PORT"}
    # Each program's own, and always where Prometheus asks.
    for env in ports["--metrics-port"]:
        assert env in (
            "METRICS_PORT", "SCALER_METRICS_PORT", "WATCHER_PORT", "AGENT_PORT",
        ) or env.endswith("METRICS_PORT")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class First:
    port: int = option("A_PORT", "--a-port", "a port", parse=int, old_flag="--port")
    secret: str = option("A_SECRET", "--a-secret", "hidden", default="x", secret=True)


@dataclasses.dataclass(frozen=True)
class Second:
    port: int = same(First, "port")
    secret: str = same(First, "secret")


@pytest.mark.parametrize("settings", [First, Second])
def test_an_old_flag_is_taken_with_a_warning_that_names_the_new_one(settings, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser, settings)
    assert read(settings, parser.parse_args(["--port", "7"]), {}).port == 7
    assert "--port is called --a-port now" in capsys.readouterr().err
    assert read(settings, parser.parse_args(["--a-port", "8"]), {}).port == 8
    assert capsys.readouterr().err == ""
    assert "--port " not in parser.format_help().replace("--a-port", "")


def test_what_is_declared_elsewhere_is_as_secret_there():
    assert "hidden" not in repr(Second(1, "hidden"))


def test_a_setting_that_is_no_more_is_refused_by_name():
    environ = {"SCALER_SETTLE": "10"}
    with pytest.raises(options.SettingsError) as refused:
        read(ScalerSettings, argparse.Namespace(), environ)
    assert "SCALER_SETTLE is a setting no more: set SCALER_FRESH" in str(refused.value)
    with pytest.raises(options.SettingsError, match="SCALER_SETTLE"):
        options.refuse_gone(ScalerSettings, environ)
    options.refuse_gone(ScalerSettings, {"SCALER_SETTLE": ""})


def test_what_is_no_more_is_told_and_its_name_is_not_taken_again():
    told = (ROOT / "docs" / "upgrading.md").read_text()
    declared = {
        made.env for each in settings_classes() for made in options.options_of(each)
    }
    gone = {name for each in settings_classes() for name in getattr(each, "gone", {})}
    assert "SCALER_SETTLE" in gone
    assert not gone & declared
    assert [name for name in gone if f"`{name}`" not in told] == []
