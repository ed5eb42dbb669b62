"""`python -m command` is `posture`, where that is not installed."""

from command.main import main

if __name__ == "__main__":
    raise SystemExit(main())
