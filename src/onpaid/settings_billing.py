"""The settings of the story of billing: sessions at Stripe, billing events, and the nightly reconciliation."""

from __future__ import annotations

from datetime import timedelta

from onpaid.settings_readers import Setting, duration, origins, secrets, text, whole, yes_or_no

BILLING: tuple[Setting, ...] = (
    Setting("STRIPE_SECRET_KEY", text, None, "another name of STRIPE_API_KEY", secret=True),
    Setting("STRIPE_SECRET", text, None, "another name of STRIPE_API_KEY", secret=True),
    Setting("STRIPE_SECRET_PARAMETER", text, None, "the SSM parameter that holds STRIPE_API_KEY"),
    Setting("STRIPE_SECRET_KEY_PARAMETER", text, None, "another name of STRIPE_SECRET_PARAMETER"),
    Setting("STRIPE_API_KEY_PARAMETER", text, None, "another name of STRIPE_SECRET_PARAMETER"),
    Setting(
        "JWT_ACCESS_TOKEN_SECRET",
        secrets,
        (),
        "the secrets of your users' HS256 tokens, newest first",
        secret=True,
    ),
    Setting(
        "JWT_JWKS", text, None, "the public keys of RS256 or ES256 tokens: a JWKS file, or its https address"
    ),
    Setting("JWT_AUDIENCE", text, None, "whom tokens must be for (`aud`); required in live mode"),
    Setting("JWT_ISSUER", text, None, "who must have issued tokens (`iss`); required in live mode"),
    Setting(
        "JWT_USER_CLAIM", text, "userId sub", "the claims that name the user: the first that is there counts"
    ),
    Setting("JWT_ROLE_CLAIM", text, "role", "the claim that holds the user's role"),
    Setting("JWT_EMAIL_CLAIM", text, "email", "the claim that holds the user's e-mail address"),
    Setting(
        "STRIPE_CHECKOUT_SHOP", text, "stripe", "the name of sales at Stripe: part of the key of their orders"
    ),
    Setting(
        "CHECKOUT_RETURN_ORIGINS",
        origins,
        (),
        "web pages that a session may lead back to: https://shop.example",
    ),
    Setting("ORDER_NUMBER_PREFIX", text, "BC-", "how the numbers of orders from sessions begin"),
    Setting(
        "BILLING_EVENTS", yes_or_no, False, "tells billing events, also without a topic or bearer tokens"
    ),
    Setting("BILLING_EVENTS_TOPIC_ARN", text, None, "the SNS topic that billing events are published to"),
    Setting(
        "BILLING_EVENTS_RETRY",
        duration,
        timedelta(days=3),
        "how long a subscriber is tried before it is paused",
    ),
    Setting(
        "BILLING_SUBSCRIBERS_PRIVATE",
        yes_or_no,
        False,
        "lets subscribers be on this machine or a private network",
    ),
    Setting(
        "IDEMPOTENCY_DAYS",
        whole,
        30,
        "for how many days events stay in WEBHOOK_IDEMPOTENCY_TABLE; 30 at least",
    ),
    Setting(
        "SYNC_SCHEDULE", text, "0 2 * * *", "when the nightly reconciliation runs, as cron writes it, in UTC"
    ),
    Setting("SYNC_LOOKBACK_HOURS", whole, 25, "how far back it looks for sessions, payments and events"),
    Setting(
        "SYNC_MAX_SESSIONS", whole, 500, "how many sessions one run looks at; the next one goes on there"
    ),
    Setting("SYNC_DRY_RUN", yes_or_no, False, "only tells what it would bring in"),
)
