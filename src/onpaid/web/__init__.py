"""The faces: webhooks in, the JSON API, the console. Nothing here decides anything about money."""
