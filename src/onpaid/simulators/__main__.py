"""The simulators as a process of their own: `python -m onpaid.simulators --port 0 --target http://127.0.0.1:8000`.

Writes one line of JSON with the addresses when it listens, and runs until it is told to stop.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from onpaid.simulators.faults import parse
from onpaid.simulators.settings import Settings, Target
from onpaid.simulators.wire import serve


def arguments(words: list[str]) -> argparse.Namespace:
    """What was asked for; exits with a sentence where that makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m onpaid.simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--target", default=Target().base, help="where webhooks go")
    parser.add_argument("--faults", default="none", type=lambda names: ",".join(sorted(parse(names))))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--parcels-move", action="store_true", help="parcels travel once their pickup is booked"
    )
    parser.add_argument(
        "--stripe-params", type=Path, default=None, help="JSON Schemas of Stripe's parameters"
    )
    return parser.parse_args(words)


async def run(asked: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = Settings(
        target=Target(base=asked.target.rstrip("/")),
        faults=asked.faults,
        seed=asked.seed,
        stripe_params=asked.stripe_params,
        parcels_move=asked.parcels_move,
    )
    served = await serve(settings, host=asked.host, port=asked.port)
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    sys.stdout.write(json.dumps({"base": served.base, **served.bases()}) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await served.stop()


if __name__ == "__main__":
    asyncio.run(run(arguments(sys.argv[1:])))
