"""`python -m tests.chaos --seconds 600 --seed 1`.

Exit code 1 if anything is wrong, 130 or 143 if a signal has ended arguments.
"""

import argparse

from tests.brokers.servers import SERVERS
from tests.chaos.faults import FAULTS
from tests.chaos.run import run
from tests.fixtures.ended import end_on_signals


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=20, help="pictures a second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--longest",
        type=float,
        help="seconds of a fault; else 2 to 30, so that each comes once in --seconds",
    )
    parser.add_argument("--burst", type=int, default=0, help="pictures at the end")
    parser.add_argument(
        "--few-people",
        action="store_true",
        help="three pictures of four are of an empty room: less for the processor",
    )
    parser.add_argument("--broker", choices=SERVERS, default="mosquitto")
    parser.add_argument(
        "--only", action="append", default=[], choices=FAULTS, metavar="FAULT"
    )
    arguments = parser.parse_args(argv)
    end_on_signals()
    account = run(
        arguments.seconds,
        arguments.seed,
        rate=arguments.rate,
        workers=arguments.workers,
        longest=arguments.longest,
        only=arguments.only,
        burst=arguments.burst,
        broker=arguments.broker,
        few_people=arguments.few_people,
    )
    print(account)
    return 0 if account.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
