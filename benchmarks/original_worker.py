"""How the first scripts worked on a picture: a process of its own for the comparison.

One thread does all of it, message by message: OpenCV decodes, the model `heavy` looks
at the whole picture, all landmarks are drawn, OpenCV writes the file, and each row has
a commit of its own. With the package that the scripts used (mediapipe 0.10.18) it is
their own `solutions.pose`; with a later one, which has no `solutions`, the same
networks as they are published, which are quicker there.

It imports nothing of this project, so that another Python can run it.
"""

import base64
import os
import random
import socket
import sys
from datetime import datetime
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
import paho.mqtt.client as mqtt
import psycopg2

COLUMNS = (
    "pi_id, filename, received_time, analyzed_time, neck_angle, body_angle, "
    "posture_status, landmarks_detected, processed_by"
)
CERTAIN, POINTS = 0.9, 20  # visibility, and landmarks that must have it
INK = (50, 50, 255)


class Legacy:
    """The `solutions` of old."""

    def __init__(self, _model: str) -> None:
        pose = mp.solutions.pose
        self._pose = pose.Pose(static_image_mode=True, model_complexity=2)
        self._lines = pose.POSE_CONNECTIONS
        self._style = mp.solutions.drawing_styles.get_default_pose_landmarks_style()

    def find(self, image):
        """The landmarks, in both forms; None if nobody."""
        found = self._pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        if not found.pose_landmarks:
            return None
        return found.pose_landmarks.landmark, found.pose_landmarks

    def draw(self, image, landmarks) -> None:
        """All of them, with their lines."""
        mp.solutions.drawing_utils.draw_landmarks(
            image, landmarks, self._lines, landmark_drawing_spec=self._style
        )


class Tasks:
    """What took the place of `solutions`."""

    def __init__(self, model: str) -> None:
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core.base_options import BaseOptions

        base = BaseOptions(model_asset_path=model)
        self._task = vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(base_options=base)
        )
        self._lines = vision.PoseLandmarksConnections.POSE_LANDMARKS
        self._drawing = vision.drawing_utils
        self._style = vision.drawing_styles.get_default_pose_landmarks_style()

    def find(self, image):
        """The landmarks, in both forms; None if nobody."""
        pixels = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        picture = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
        found = self._task.detect(picture).pose_landmarks
        return (found[0], found[0]) if found else None

    def draw(self, image, landmarks) -> None:
        """All of them, with their lines."""
        self._drawing.draw_landmarks(
            image, landmarks, self._lines, landmark_drawing_spec=self._style
        )


def angle(low, high, size) -> int:
    """Degrees from the vertical of the line between two landmarks."""
    across = (high.x - low.x) * size[0]
    up = (low.y - high.y) * size[1]
    return int(np.degrees(np.arctan2(abs(across), up)))


def judged(finder, image):
    """Neck, body, status; what is to be seen is drawn on the picture."""
    size = image.shape[1], image.shape[0]
    found = finder.find(image)
    if found is None:
        cv2.putText(image, "nobody", (30, 50), cv2.FONT_HERSHEY_SIMPLEX, 1, INK, 2)
        return None, None, "No_Landmarks_Detected"
    landmarks, drawn = found
    if sum(each.visibility >= CERTAIN for each in landmarks) < POINTS:
        cv2.putText(image, "partial", (30, 50), cv2.FONT_HERSHEY_SIMPLEX, 1, INK, 2)
        return None, None, "Partial_Landmarks_Detected"
    finder.draw(image, drawn)
    ear, shoulder, hip = landmarks[7], landmarks[11], landmarks[23]
    neck, body = angle(shoulder, ear, size), angle(hip, shoulder, size)
    text = f"neck {neck} body {body}"
    cv2.putText(image, text, (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.9, INK, 2)
    return neck, body, "Good" if 10 < neck < 50 and body < 20 else "Bad"


def main() -> int:
    """Work until killed: `model` is for what is not `solutions`."""
    model, folder = sys.argv[1], Path(sys.argv[2])
    finder = (Legacy if hasattr(mp, "solutions") else Tasks)(model)
    connection = psycopg2.connect(
        host=os.environ["SUPABASE_HOST"],
        port=os.environ["SUPABASE_PORT"],
        dbname=os.environ["SUPABASE_DB"],
        user=os.environ["SUPABASE_USER"],
        password=os.environ["SUPABASE_PASSWORD"],
        sslmode=os.environ["SUPABASE_SSL"],
    )
    cursor = connection.cursor()

    def work(_client, _data, message) -> None:
        received = datetime.now()  # noqa: DTZ005 - as it was
        file = np.frombuffer(base64.b64decode(message.payload), np.uint8)
        image = cv2.imdecode(file, cv2.IMREAD_COLOR)
        pi = message.topic.split("/")[1]
        (folder / pi).mkdir(parents=True, exist_ok=True)
        name = f"{pi}_{random.randint(10000, 99999)}.jpg"  # noqa: S311
        neck, body, status = judged(finder, image)
        cv2.imwrite(str(folder / pi / name), image)
        cursor.execute(
            f"INSERT INTO posture_log ({COLUMNS}) "  # noqa: S608 - a constant
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(pi, name, received, datetime.now(), neck, body),  # noqa: DTZ005
                *(status, neck is not None, socket.gethostname()),
            ),
        )
        connection.commit()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.on_message = work
    # QoS 1, not 0 as theirs: a backlog must not be thrown away by the broker.
    client.on_connect = lambda *_: client.subscribe("images/#", 1)
    client.on_subscribe = lambda *_: print(type(finder).__name__, flush=True)
    client.connect(os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]), 60)
    client.loop_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
