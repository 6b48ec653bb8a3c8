"""How people are told: the ticket log, Jira if it is set up, and alerts for what is critical. Common to every story."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from onpaid.engine.flow import Flow
from onpaid.errors import SettingsError
from onpaid.flows.file_ticket import file_ticket
from onpaid.flows.open_issue import open_issue
from onpaid.flows.report_problem import report_problem
from onpaid.providers import alert_mail, alert_topic, alert_webhook, jira, ticket_log
from onpaid.providers.alerts import Alerts, NoAlerts
from onpaid.providers.roles_delivery import Alerting
from onpaid.providers.trackers import NoTracker
from onpaid.settings import Settings

FLOWS: Final[tuple[Flow, ...]] = (file_ticket, report_problem, open_issue)
JIRA_NEEDS: Final = ("JIRA_EMAIL", "JIRA_API_TOKEN", "JIRA_PROJECT")


def guests(settings: Settings) -> dict[str, Any]:
    """Who is told. Raises SettingsError for half a configuration."""
    return {
        "ticketing": _ticketing(settings),
        "tracker": _tracker(settings),
        "alerting": _alerting(settings),
    }


def _ticketing(settings: Settings) -> Any:
    path = settings["ONPAID_TICKET_LOG"]
    if path == "-":
        return ticket_log.TicketLines()
    return ticket_log.TicketLog(ticket_log.Settings(path=Path(path)))


def _tracker(settings: Settings) -> Any:
    if settings["JIRA_BASE_URL"] is None:
        return NoTracker()
    missing = settings.missing(*JIRA_NEEDS)
    if missing:
        raise SettingsError(f"JIRA_BASE_URL is set, and {', '.join(missing)} not: set all of them, or none")
    return jira.Jira(
        jira.Settings(
            base_url=settings["JIRA_BASE_URL"],
            email=settings["JIRA_EMAIL"],
            api_token=settings["JIRA_API_TOKEN"],
            project=settings["JIRA_PROJECT"],
            issue_type=settings["JIRA_ISSUE_TYPE"],
        )
    )


def _alerting(settings: Settings) -> Alerting:
    ways: list[Alerting] = []
    if settings["ALERT_TOPIC_ARN"]:
        topic = alert_topic.Settings(settings["ALERT_TOPIC_ARN"], endpoint=settings["SNS_API_BASE"])
        ways.append(alert_topic.AlertTopic(topic))
    if settings["ALERT_EMAIL"]:
        missing = settings.missing("SMTP_HOST", "SMTP_FROM")
        if missing:
            raise SettingsError(f"ALERT_EMAIL is set, and {', '.join(missing)} not")
        ways.append(
            alert_mail.AlertMail(
                alert_mail.Settings(
                    host=settings["SMTP_HOST"],
                    sender=settings["SMTP_FROM"],
                    to=tuple(settings["ALERT_EMAIL"].replace(",", " ").split()),
                    port=settings["SMTP_PORT"],
                    user=settings["SMTP_USER"] or "",
                    password=settings["SMTP_PASSWORD"] or "",
                )
            )
        )
    if settings["ALERT_WEBHOOK_URL"]:
        ways.append(alert_webhook.AlertWebhook(alert_webhook.Settings(url=settings["ALERT_WEBHOOK_URL"])))
    return Alerts(ways) if ways else NoAlerts()
