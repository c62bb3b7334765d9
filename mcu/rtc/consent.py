"""Whether a peer still wants what is sent to it: consent freshness (RFC 7675).

aioice asks, too, but gives each answer half a second, and after six late ones ends the connection: that of somebody
behind a full buffer, or that of everybody while the machine is busy, however much arrives from them.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from aioice.ice import Connection
from aioice.stun import TransactionError

EXPIRES_S = 30.0  # RFC 7675, section 5.1: after the last answer
ASK_EVERY_S = 5.0
REPEATS = 3  # of an unanswered question, after 0.5, 1.5 and 3.5 s; an answer to any of them counts until 7.5 s
_log = logging.getLogger(__name__)


async def keep_consent(
    connection: Connection, now_s: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Ask every five seconds; close the connection when none was answered for half a minute.

    Args:
        connection: an established one. To be its ``query_consent``, which aioice starts and cancels.
        now_s: any clock that does not jump.
        sleep: seconds of that clock.
    """
    assert connection.remote_password is not None
    key = connection.remote_password.encode()
    answered_s = now_s()
    while now_s() - answered_s < EXPIRES_S:
        await sleep(ASK_EVERY_S * (0.8 + 0.4 * random.random()))  # noqa: S311 - spreads load, no secret
        for pair in list(connection._nominated.values()):  # noqa: SLF001 - as aioice's own
            question = connection.build_request(pair, nominate=False)
            try:
                await pair.protocol.request(question, pair.remote_addr, integrity_key=key, retransmissions=REPEATS)
            except TransactionError:
                continue
            answered_s = now_s()
    _log.info("the peer has not consented to be sent anything for %d s", EXPIRES_S)
    connection._query_consent_task = None  # noqa: SLF001 - as aioice's own: close() would wait for this task
    await connection.close()
