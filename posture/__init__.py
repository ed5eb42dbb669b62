"""What happens to one picture, in the pod."""

import os

# OpenCV reads these when it is loaded, by whichever module of this package comes first.
# An image that claims more pixels is refused in a millisecond (a 52 kB file can claim
# 30000 x 30000 and take gigabytes).
MOST_PIXELS = 50_000_000
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
# At a side of 32,767 (SHRT_MAX) OpenCV's remap ends the process: MediaPipe calls it.
MOST_SIDE = 32_766
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_WIDTH", str(MOST_SIDE))
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_HEIGHT", str(MOST_SIDE))
# Every core has a picture of its own to work on: sharing one costs 4 % more.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
# Nothing here multiplies matrices with NumPy, whose library would start a thread for
# each core at its import, and have them wait for work for a tenth of a second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
