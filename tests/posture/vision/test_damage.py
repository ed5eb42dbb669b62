"""A picture of which a part is missing is refused, never measured as a whole one."""

import base64
import io

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from posture.errors import RefusedError
from posture.vision.payload import decode_image, decode_payload
from tests.conftest import IMAGES
from tests.fixtures import images

SAMPLE = IMAGES / "slouch_1280_005.jpg"
END = b"\xff\xd9"
ORIENTATION = 0x0112


def saved(kind="JPEG", *, turned=False, mode="RGB", **options):
    picture = Pillow.open(SAMPLE).resize((640, 360)).convert(mode)
    exif = picture.getexif()
    exif[ORIENTATION] = 6 if turned else 1
    file = io.BytesIO()
    picture.save(file, kind, exif=exif, **options)
    return file.getvalue()


def with_restarts():
    image = cv2.resize(cv2.imread(str(SAMPLE)), (640, 360))
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_RST_INTERVAL, 8])[1].tobytes()


KINDS = {
    "camera's": SAMPLE.read_bytes(),
    "with Exif": saved(),
    "turned by Exif": saved(turned=True),
    "progressive": saved(progressive=True),
    "grey": saved(mode="L"),
    "CMYK": saved(mode="CMYK"),
    "with restarts": with_restarts(),
    "4:4:4": saved(subsampling=0),
}
every_kind = pytest.mark.parametrize("file", KINDS.values(), ids=KINDS)


@every_kind
@pytest.mark.parametrize("share", [0.2, 0.4, 0.45, 0.55, 0.7, 0.9, 0.97, 0.995])
@pytest.mark.parametrize("end", [b"", END], ids=["cut", "cut and ended"])
def test_a_jpeg_that_was_cut_off_is_refused(file, share, end):
    with pytest.raises(RefusedError, match=r"cut off or damaged|header is broken"):
        decode_image(file[: int(len(file) * share)] + end)


@every_kind
def test_a_jpeg_with_a_hole_is_refused(file):
    start = len(file) // 2
    with pytest.raises(RefusedError, match="cut off or damaged"):
        decode_image(file[:start] + file[start + len(file) // 10 :])


@every_kind
def test_a_jpeg_with_zeros_in_its_midst_is_refused(file):
    start, size = len(file) // 2, len(file) // 10
    with pytest.raises(RefusedError, match="cut off or damaged"):
        decode_image(file[:start] + bytes(size) + file[start + size :])


def test_a_progressive_jpeg_that_ends_between_two_scans_is_refused():
    file = KINDS["progressive"]
    starts = [at for at in range(len(file)) if file.startswith(b"\xff\xda", at)]
    tables = b"\xff\xc4"
    for start in starts[1:]:
        cut = file.rfind(tables, 0, start)
        with pytest.raises(RefusedError, match="cut off or damaged"):
            decode_image(file[:cut])


@every_kind
def test_what_lacks_its_end_marker_alone_is_whole(file):
    assert file.endswith(END)
    whole = decode_image(file)
    assert (decode_image(file[:-2]) == whole).all()
    assert (decode_image(file[:-1]) == whole).all()


@every_kind
@pytest.mark.parametrize(
    "rubbish", [bytes(512), b"\r\n", b"--frame--", END, bytes(range(256))]
)
def test_what_comes_behind_the_end_does_not_matter(file, rubbish):
    assert (decode_image(file + rubbish) == decode_image(file)).all()


@every_kind
def test_the_pixels_are_those_that_opencv_gives(file):
    wanted = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert (decode_image(file) == wanted).all()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tiff"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.98])
def test_other_files_that_were_cut_off_are_refused(suffix, share):
    image = cv2.resize(cv2.imread(str(SAMPLE)), (320, 180))
    file = images.file_of(image, suffix)
    with pytest.raises(RefusedError):
        decode_image(file[: int(len(file) * share)])


def test_a_message_that_was_cut_off_is_refused_in_base64_too():
    text = base64.b64encode(KINDS["camera's"])
    for share in (0.4, 0.55, 0.9):
        cut = text[: int(len(text) * share) // 4 * 4]
        with pytest.raises(RefusedError, match="cut off or damaged"):
            decode_image(decode_payload(cut, 1 << 24))
