"""Addresses that nobody should be talked into calling: disguises, names that are rebound, redirects."""

from __future__ import annotations

METADATA = "169.254.169.254"
REBINDING = {
    "rebound.example": METADATA,
    "rebound6.example": "fd00:ec2::254",
    "mapped.example": f"::ffff:{METADATA}",
    "metadata": METADATA,
    "anycast.example": "224.0.0.1",
    "nowhere.example": "0.0.0.0",
}
"""Names that look like anybody's, and what they resolve to by the time they are called."""

NEVER = (
    f"http://{METADATA}/latest/meta-data",
    f"https://{METADATA}",
    f"http://[::ffff:{METADATA}]",
    "http://[::ffff:a9fe:a9fe]/",
    f"http://[64:ff9b::{METADATA}]",
    "https://[2002:a9fe:a9fe::1]",
    "http://[fe80::1]",
    "http://[fd00:ec2::254]",
    "http://2852039166/",
    "http://0xa9fea9fe",
    "http://0xa9.0xfe.0xa9.0xfe",
    "http://0251.0376.0251.0376",
    "http://0",
    "http://[::]",
    "http://169.254.169.254.",
    "http://169%2e254.169.254",
    "http://metadata.google.internal",
    "https://metadata.google.internal/computeMetadata/v1",
    "http://metadata",
    "http://100.100.100.200",
    "http://192.0.0.192",
    "http://224.0.0.1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/_HELO",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    f"https://api.example@{METADATA}",
    f"https://api.example:443@{METADATA}:80/",
    f"http://127.0.0.1\\@{METADATA}/",
    f"http://127.0.0.1#@{METADATA}",
    f"http://127.0.0.1?@{METADATA}",
    f"http://127.0.0.1\r\nHost: {METADATA}",
    f"http://127.0.0.1/\nhttp://{METADATA}",
    "http://127.0.0.1 .example",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "//127.0.0.1",
    "",
)
"""Bases from which no socket may come."""

NAMES = (
    "http://rebound.example",
    "https://rebound.example",
    "https://rebound6.example",
    "https://mapped.example",
    "https://anycast.example",
    "https://nowhere.example",
)
"""Bases under names that resolve to where nobody has any business."""

REDIRECTS = (
    f"http://{METADATA}/latest",
    "http://127.0.0.1:1/",
    "file:///etc/passwd",
    f"//{METADATA}/",
    "http://[::1]:1/",
)
