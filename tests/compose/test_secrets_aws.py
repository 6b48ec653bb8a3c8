"""Secrets that are kept at AWS, asked for by its own client over HTTP, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.compose.test_secrets import RAZORPAY, SHIPROCKET


class Aws(BaseHTTPRequestHandler):
    """As much of two of AWS's services as is asked of them."""

    secrets: Mapping[str, str] = {
        "test_secret": RAZORPAY,
        "shipRocket-delivery-credentials": SHIPROCKET,
        "/onpaid/jira": "a token of Jira's",
    }

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        service, _, what = self.headers["x-amz-target"].rpartition(".")
        name = told.get("SecretId") or told.get("Name")
        assert "AKIDTEST" in self.headers["authorization"]
        if name not in self.secrets:
            missing = "ResourceNotFoundException" if what == "GetSecretValue" else "ParameterNotFound"
            self._answer(400, {"__type": missing, "message": f"there is no {name} in {service}"})
        elif what == "GetSecretValue":
            self._answer(200, {"Name": name, "SecretString": self.secrets[name]})
        else:
            assert told["WithDecryption"] is True
            self._answer(200, {"Parameter": {"Name": name, "Value": self.secrets[name]}})

    def _answer(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Tests are quiet."""


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The environment in which AWS is on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        yield {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": base,
            "AWS_ENDPOINT_URL_SSM": base,
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": "not a secret",
            "AWS_DEFAULT_REGION": "ap-south-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        server.shutdown()


TELL = """
import json, os, sys
from onpaid.errors import SettingsError
from onpaid.settings import load
if os.environ.get("WITHOUT_BOTO3"):
    sys.modules["boto3"] = None
try:
    found = load(os.environ)
except SettingsError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({name: found[name] for name in sys.argv[1:]}))
"""


def told_by_a_process(environment: Mapping[str, str], *names: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", TELL, *names],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_secrets_come_from_aws(aws: dict[str, str]) -> None:
    told = told_by_a_process(
        {
            **aws,
            "RAZORPAY_SECRET_NAME": "test_secret",
            "USE_AWS_SECRETS": "true",
            "SHIPROCKET_SECRET_NAME": "shipRocket-delivery-credentials",
            "JIRA_API_TOKEN": "ssm:/onpaid/jira",
            "WHATSAPP_API_KEY": "secretsmanager:shipRocket-delivery-credentials#password",
        },
        "RAZORPAY_KEY_ID",
        "RAZORPAY_WEBHOOK_SECRET",
        "SHIPROCKET_EMAIL",
        "SHIPROCKET_PASSWORD",
        "JIRA_API_TOKEN",
        "WHATSAPP_API_KEY",
    )
    assert told == {
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_WEBHOOK_SECRET": ["new", "old"],
        "SHIPROCKET_EMAIL": "api@shop.example",
        "SHIPROCKET_PASSWORD": "a password",
        "JIRA_API_TOKEN": "a token of Jira's",
        "WHATSAPP_API_KEY": "a password",
    }


@pytest.mark.parametrize(
    ("setting", "more", "says"),
    [
        (
            "secretsmanager:nope",
            {},
            "secretsmanager:nope cannot be read: AWS answered ResourceNotFoundException",
        ),
        ("ssm:/nope", {"AWS_ACCESS_KEY_ID": ""}, "ssm:/nope cannot be read: AWS answered "),
        ("ssm:/onpaid/jira", {"WITHOUT_BOTO3": "1"}, "needs AWS's client: pip install 'onpaid[aws]'"),
    ],
    ids=["not there", "nobody asks", "no client"],
)
def test_what_aws_does_not_give_is_one_sentence(
    aws: dict[str, str], setting: str, more: Mapping[str, str], says: str
) -> None:
    told = told_by_a_process({**aws, "JIRA_API_TOKEN": setting, **more})
    assert told["error"].startswith("JIRA_API_TOKEN: ")
    assert says in told["error"]
