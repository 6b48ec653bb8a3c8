"""Amazon SNS as far as publishing goes: standard and FIFO topics, and what was published to each.

A FIFO topic needs a group, and takes one deduplication id once within five minutes: a repeat gets the first one's
message id, and reaches nobody.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.switches import Switches

WINDOW: Final = 300
LARGEST: Final = 256 * 1024
ID: Final = re.compile(r"^[\w!\"#$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~]{1,128}$", re.ASCII)


class Refused(Exception):
    """What SNS refuses."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.status = code, status
        super().__init__(message)


@dataclass(slots=True)
class Sns(Switches):
    """The topics of one account, and what was published to each."""

    clock: Clock
    topics: tuple[str, ...]
    published: list[Json] = field(default_factory=list)
    repeats: int = 0
    asked: set[str] = field(default_factory=set)

    def forget(self) -> None:
        self.published, self.repeats, self.asked = [], 0, set()

    def topic(self, arn: str) -> str:
        """The topic; refused if there is none."""
        if arn not in self.topics:
            raise Refused("NotFound", "Topic does not exist", 404)
        self.asked.add(arn)
        return arn

    def publish(self, params: Json, attributes: dict[str, str]) -> Json:
        """Take a message; what a FIFO topic has taken within five minutes is not taken again."""
        arn, message = self.topic(params.get("TopicArn", "")), params.get("Message", "")
        if not message:
            raise Refused("InvalidParameter", "Invalid parameter: Empty message")
        if len(message.encode()) + sum(len(f"{n}{v}".encode()) for n, v in attributes.items()) > LARGEST:
            raise Refused("InvalidParameter", "Invalid parameter: Message too long")
        group, dedup = params.get("MessageGroupId"), params.get("MessageDeduplicationId")
        for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
            if value is not None and ID.match(value) is None:
                raise Refused("InvalidParameter", f"Invalid parameter: {name}")
        fifo, now = arn.endswith(".fifo"), self.clock.now()
        if fifo and group is None:
            message = "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
            raise Refused("InvalidParameter", message)
        if fifo and dedup is None:
            message = "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
            raise Refused("InvalidParameter", message + "MessageDeduplicationId provided explicitly")
        if not fifo and dedup is not None:
            message = (
                "Invalid parameter: MessageDeduplicationId Reason: The request includes parameters that are "
            )
            raise Refused("InvalidParameter", message + "not valid for this topic type")
        for known in self.published if fifo else ():
            if (known["topic"], known["deduplication_id"]) == (arn, dedup) and now - known["at"] < WINDOW:
                self.repeats += 1
                return known
        nth = len(self.published)
        made = {
            "topic": arn,
            "message_id": uuid(f"{arn} {nth}"),
            "sequence_number": f"{10**19 + nth}" if fifo else None,
            "group": group,
            "deduplication_id": dedup,
            "subject": params.get("Subject"),
            "attributes": attributes,
            "at": now,
            "body": _read(message),
        }
        self.published.append(made)
        return made

    def rows(self) -> Json:
        """What was published, by topic, in the order of arrival. A topic that nobody asked for is left out."""
        return {
            arn: [row for row in self.published if row["topic"] == arn]
            for arn in self.topics
            if arn in self.asked
        }


def _read(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return message


def uuid(name: str) -> str:
    """An id that looks like one of Amazon's."""
    digest = Dice(0).at("sns").digest(name)
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
