"""What happens to one picture, in the pod."""

import os

# OpenCV reads it when it is loaded, by whichever module of this package comes first: an
# image that claims more is refused in a millisecond (a 52 kB file can claim
# 30000 x 30000 and take gigabytes).
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "50000000")
