"""One call on its way: what a step of a run and a visitor have in common while nobody knows yet how it ends.

The call is known to whoever sends it, ends in time, and tells its lane what came of it. Whether a request may still be
under way afterwards decides if a lane that lets in one at a time is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from onpaid.acts import Call, current_call
from onpaid.engine.lanes import Lanes
from onpaid.errors import Doubtful, Refused, Unavailable

T = TypeVar("T")


async def sent(
    doing: Callable[[], Awaitable[T]],
    call: Call,
    lanes: Lanes,
    lane: str | None,
    let_go: Callable[[], Awaitable[None]],
) -> T:
    """What is answered in time. `let_go` is waited for if nothing can be under way any more, however it ended.

    Raises Doubtful once the time is over, and whatever the call raises. That it went well is the caller's to tell the
    lane.
    """
    token, over = current_call.set(call), True
    try:
        async with asyncio.timeout(max(0.0, call.send_by - call.monotonic())):
            return await doing()
    except TimeoutError:
        over = False
        lanes.failed(lane)
        raise Doubtful(f"no answer within {call.timeout:g} s") from None
    except (Unavailable, Doubtful) as error:
        over = isinstance(error, Unavailable)
        lanes.failed(lane)
        raise
    except Refused:
        lanes.answered(lane)
        raise
    except BaseException:
        over = False
        raise
    finally:
        current_call.reset(token)
        if over:
            await let_go()
