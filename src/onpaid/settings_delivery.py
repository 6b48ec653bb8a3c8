"""The settings of the story of delivery: payments, parcels, messages, issues and alerts."""

from __future__ import annotations

from datetime import timedelta

from onpaid.settings_readers import Setting, box, duration, one_of, origins, secrets, text, whole, yes_or_no

DELIVERY: tuple[Setting, ...] = (
    Setting("RAZORPAY_KEY_ID", text, None, "the key's id (rzp_...); its mode decides what is real money"),
    Setting(
        "RAZORPAY_KEY_SECRET",
        text,
        None,
        "the key's secret; also proves what a customer's page tells",
        secret=True,
    ),
    Setting(
        "RAZORPAY_WEBHOOK_SECRET", secrets, (), "the webhook's secrets, which are not the key's", secret=True
    ),
    Setting(
        "RAZORPAY_SECRET_NAME", text, None, "a secret with key_id, key_secret and webhook_secret, as JSON"
    ),
    Setting("RAZORPAY_API_BASE", text, "https://api.razorpay.com", "where Razorpay is"),
    Setting("CHECKOUT_SHOP", text, "shop", "the name of our own checkout: part of the key of its orders"),
    Setting("CHECKOUT_ORIGINS", origins, (), "web pages that may call the checkout from a browser"),
    Setting(
        "CHECKOUT_PER_ADDRESS",
        whole,
        60,
        "how many checkouts one address may open in a minute; 0 is no limit",
    ),
    Setting(
        "CHECKOUT_PER_MINUTE",
        whole,
        600,
        "how many checkouts all together may open in a minute; 0 is no limit",
    ),
    Setting("SHIPROCKET_EMAIL", text, None, "the API user's e-mail address"),
    Setting("SHIPROCKET_PASSWORD", text, None, "the API user's password", secret=True),
    Setting("SHIPROCKET_SECRET_NAME", text, None, "a secret with email and password, as JSON"),
    Setting("USE_AWS_SECRETS", yes_or_no, False, "takes SHIPROCKET_SECRET_NAME from AWS Secrets Manager"),
    Setting("SHIPROCKET_DRY_RUN", yes_or_no, True, "only logs what would be booked; false goes live"),
    Setting(
        "SHIPROCKET_PICKUP_LOCATION", text, "Primary", "the nickname of the pickup address, as in Shiprocket"
    ),
    Setting(
        "SHIPROCKET_CHANNEL_ID",
        whole,
        None,
        "the channel that parcels are booked under; unset: the default one",
    ),
    Setting(
        "SHIPROCKET_PICKUP_TIME", text, None, "accepted, and without effect: Shiprocket takes no time of day"
    ),
    Setting(
        "SHIPROCKET_WEBHOOK_TOKEN", secrets, (), "what the tracking webhook shows in x-api-key", secret=True
    ),
    Setting("SHIPROCKET_API_BASE", text, "https://apiv2.shiprocket.in", "where Shiprocket is"),
    Setting("PARCEL_DEFAULT", box, None, "size and weight of products that have none: 30x20x5 0.5 (cm, kg)"),
    Setting(
        "WHATSAPP_PROVIDER",
        one_of("none", "meta", "twilio", "msg91", "wati"),
        "none",
        "who sends messages; none only logs them",
    ),
    Setting("WHATSAPP_API_KEY", text, None, "its access token, auth token or auth key", secret=True),
    Setting(
        "WHATSAPP_SENDER_ID", text, None, "Meta: phone number id; Twilio: sender; MSG91: integrated number"
    ),
    Setting("WHATSAPP_ACCOUNT_ID", text, None, "Twilio: the account's SID"),
    Setting(
        "WHATSAPP_APP_SECRET", secrets, (), "Meta: the app's secrets, which sign its webhooks", secret=True
    ),
    Setting(
        "WHATSAPP_VERIFY_TOKEN", secrets, (), "Meta: what the webhook's handshake must show", secret=True
    ),
    Setting(
        "WHATSAPP_WEBHOOK_TOKEN",
        secrets,
        (),
        "MSG91, WATI: the secret end of the webhook's path",
        secret=True,
    ),
    Setting("WHATSAPP_NAMESPACE", text, None, "MSG91: the templates' namespace"),
    Setting("WHATSAPP_API_VERSION", text, "v23.0", "Meta: the version of the Graph API"),
    Setting("WHATSAPP_TEMPLATES", text, None, "the table of templates (TOML) if yours are not named as ours"),
    Setting("META_API_BASE", text, "https://graph.facebook.com", "where Meta is"),
    Setting("TWILIO_API_BASE", text, "https://api.twilio.com", "where Twilio is"),
    Setting("MSG91_API_BASE", text, "https://api.msg91.com", "where MSG91 is"),
    Setting("WATI_API_BASE", text, None, "WATI: your tenant's address, https://live-mt-server.wati.io/12345"),
    Setting("MESSAGE_SPACING", duration, timedelta(seconds=7), "between two messages to one number"),
    Setting(
        "DELIVERY_ESTIMATE", text, "3-5 business days", "what customers are told before the courier says more"
    ),
    Setting("TRACK_LINK_LIFE", duration, timedelta(days=180), "how long a customer's tracking link opens"),
    Setting(
        "JIRA_BASE_URL",
        text,
        None,
        "your Jira: https://you.atlassian.net; unset: tickets are not filed there",
    ),
    Setting("JIRA_EMAIL", text, None, "whose token it is"),
    Setting("JIRA_API_TOKEN", text, None, "the API token; it ends after a year at most", secret=True),
    Setting("JIRA_PROJECT", text, None, "the key of the project that issues go to, such as OPS"),
    Setting("JIRA_ISSUE_TYPE", text, "Bug", "the type of issues"),
    Setting("ALERT_TOPIC_ARN", text, None, "the SNS topic that critical tickets are published to"),
    Setting("ALERT_EMAIL", text, None, "the address that critical tickets are mailed to"),
    Setting("ALERT_WEBHOOK_URL", text, None, "the address that critical tickets are posted to", secret=True),
    Setting("SNS_API_BASE", text, None, "where SNS is, if not at AWS"),
    Setting("SMTP_HOST", text, None, "the mail server of ALERT_EMAIL"),
    Setting("SMTP_PORT", whole, 587, "its port: 465 speaks TLS at once, any other by STARTTLS"),
    Setting("SMTP_USER", text, None, "who sends"),
    Setting("SMTP_PASSWORD", text, None, "the sender's password", secret=True),
    Setting("SMTP_FROM", text, None, "the address that alerts come from"),
)
