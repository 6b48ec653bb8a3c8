"""What the tests of the Jira simulator work with: an issue that is right, and calls with the right token."""

import base64
from typing import Any

from tests.simulators.kit import Client, Said

BASE = "/jira/rest/api/3"
LABEL = "onpaid-fp-3f9ac1d2e4b5"
JQL = f'project = OPS AND labels = "{LABEL}" AND statusCategory != Done ORDER BY created ASC'


def document(*lines: str, code: str = "") -> dict[str, Any]:
    content: list[Any] = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines
    ]
    if code:
        block = {"type": "codeBlock", "attrs": {"language": "json"}}
        content.append({**block, "content": [{"type": "text", "text": code}]})
    return {"type": "doc", "version": 1, "content": content}


def fields(**more: Any) -> dict[str, Any]:
    return {
        "project": {"key": "OPS"},
        "issuetype": {"name": "Bug"},
        "summary": "[delivery/high] 2045861230417 Shipment creation failed",
        "labels": ["onpaid", LABEL],
        "priority": {"name": "High"},
        "description": document("Shiprocket timed out", code='{"order": "2045861230417"}'),
        **more,
    }


def login(token: str = "jira_simulated") -> dict[str, str]:
    given = base64.b64encode(f"ops@simulated.example:{token}".encode()).decode()
    return {"Authorization": f"Basic {given}"}


async def jira(client: Client, method: str, path: str, body: Any = None, **more: Any) -> Said:
    """A call; `headers` may be others than the right ones."""
    sent = {"headers": login(), **more, **({} if body is None else {"json": body})}
    return await client.call(method, BASE + path, **sent)


async def create(client: Client, properties: Any = (), **more: Any) -> str:
    """An issue's key."""
    said = await jira(client, "POST", "/issue", {"fields": fields(**more), "properties": list(properties)})
    assert said.status == 201, said.text
    key: str = said.json["key"]
    return key


async def search(client: Client, jql: str = JQL, **more: Any) -> Any:
    said = await jira(client, "POST", "/search/jql", {"jql": jql, **more})
    assert said.status == 200, said.text
    return said.json
