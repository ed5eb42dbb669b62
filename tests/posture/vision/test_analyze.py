"""What is kept of a picture."""

import cv2
import numpy as np

from posture.vision.analyze import encode
from tests.fixtures import images


def test_a_picture_is_written_as_jpeg():
    image = cv2.imdecode(np.frombuffer(encode(images.plain()), np.uint8), 1)

    assert np.abs(image.astype(int) - images.plain()).max() <= 3
