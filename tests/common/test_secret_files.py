"""Files of secrets, as editors and shells write them."""

import pytest

from common import options
from common.broker_settings import BrokerSettings
from tests.fixtures.settings import settings_from


@pytest.fixture
def read(tmp_path):
    def read(content):
        file = tmp_path / "secret"
        file.write_bytes(content)
        return settings_from(BrokerSettings, {"MQTT_PASSWORD_FILE": str(file)}).password

    return read


@pytest.mark.parametrize(
    "content",
    [
        b"s3cret \xe2\x82\xac",
        b"s3cret \xe2\x82\xac\n",
        b"\xef\xbb\xbfs3cret \xe2\x82\xac\r\n",
        "\ufeffs3cret €\r\n".encode("utf-16-le"),
        "\ufeffs3cret €\n".encode("utf-16-be"),
        b"s3cret \xe2\x82\xac\r",
        b"s3cret \xe2\x82\xac\nwhat it is for\n",
    ],
)
def test_the_first_line_is_the_secret_whatever_the_editor(read, content):
    assert read(content) == "s3cret €"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line is empty"),
        (b"\ns3cret\n", "first line is empty"),
        (b"\xef\xbb\xbf\r\ns3cret", "first line is empty"),
        (b"s3cret \n", "begins or ends with a blank"),
        (b"\ts3cret\n", "cannot be seen"),
        (b"s3cret\0\n", "cannot be seen"),
        (b"s\0003\0c\0", "cannot be seen"),
        ("s3cret\u200b\n".encode(), "cannot be seen"),
        (b"s3cret\rother\r", "cannot be seen"),
        (b"\xffs3cret", "no UTF-8"),
    ],
)
def test_a_file_that_leaves_a_doubt_is_refused_without_its_content(
    read, content, words
):
    with pytest.raises(options.SettingsError, match=words) as caught:
        read(content)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = str(tmp_path / "none")
    with pytest.raises(options.SettingsError, match=f"{path}: No such file"):
        settings_from(BrokerSettings, {"MQTT_PASSWORD_FILE": path})
