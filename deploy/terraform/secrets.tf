# Secrets that nobody outside gives us. AWS draws them, they pass through once on their way, and are neither in the plan
# nor in the state: what is ephemeral and what is write-only is not stored. Another version number draws them anew.

locals {
  made_secrets = {
    admin_token    = "Lets its bearer act in console and API."
    viewer_token   = "Lets its bearer look, with personal data masked."
    session_secret = "Signs the console's sessions."
  }
}

ephemeral "aws_secretsmanager_random_password" "made" {
  for_each            = local.made_secrets
  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "made" {
  for_each    = local.made_secrets
  name        = "${local.name}-${replace(each.key, "_", "-")}"
  description = each.value
  # Nothing is lost with them, and their names are free again at once.
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "made" {
  for_each                 = local.made_secrets
  secret_id                = aws_secretsmanager_secret.made[each.key].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.made[each.key].random_password
  secret_string_wo_version = 1
}

ephemeral "aws_secretsmanager_random_password" "link_secret" {
  password_length     = 48
  exclude_punctuation = true
}

# Kept when the rest goes: links that customers hold are signed with it.
resource "aws_secretsmanager_secret" "link_secret" {
  name        = "${local.name}-link-secret"
  description = "Signs customers' links."

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "link_secret" {
  secret_id                = aws_secretsmanager_secret.link_secret.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.link_secret.random_password
  secret_string_wo_version = 1
}
