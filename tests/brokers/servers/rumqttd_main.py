"""rumqttd as the demo starts it: folder, port."""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from demo.broker import start_broker

if __name__ == "__main__":
    broker = start_broker(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]))
    threading.Event().wait()
