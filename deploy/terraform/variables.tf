variable "project_name" {
  type        = string
  default     = "onpaid"
  description = "The first part of every name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.project_name))
    error_message = "Two to twenty of a-z, 0-9 and hyphens, a letter first and no hyphen last."
  }
}

variable "environment" {
  type        = string
  default     = "prod"
  description = "The second part of every name, such as dev, staging or prod."

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "Two to twelve of a-z and 0-9, a letter first."
  }
}

variable "domain_name" {
  type        = string
  default     = ""
  description = "Your own domain for the service, such as pay.example.org. Empty takes the address that AWS gives."
}

variable "certificate_arn" {
  type        = string
  default     = ""
  description = "The certificate of that domain, in this region. Needed with domain_name."
}

variable "alert_email" {
  type        = string
  default     = ""
  description = "Where alarms and critical tickets are mailed to. AWS asks this address for its consent first."
}

variable "settings_parameter" {
  type        = string
  default     = ""
  description = "The last part of the name of an SSM parameter with further settings as TOML: settings stands for /{project}/{environment}/settings. Empty: there is none."

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]*$", var.settings_parameter))
    error_message = "Letters, digits, underscores, dots and hyphens."
  }
}

variable "invoicing" {
  type        = string
  default     = "none"
  description = "Whether paid Stripe orders of the shop become invoices at Fiken."

  validation {
    condition     = contains(["none", "fiken"], var.invoicing)
    error_message = "none or fiken."
  }
}

variable "checkout" {
  type        = string
  default     = "none"
  description = "Who takes the payments of our own checkout."

  validation {
    condition     = contains(["none", "razorpay"], var.checkout)
    error_message = "none or razorpay."
  }
}

variable "sales" {
  type        = string
  default     = "none"
  description = "Where sessions of checkout, customers, prices and subscriptions are kept. Tells billing events."

  validation {
    condition     = contains(["none", "stripe"], var.sales)
    error_message = "none or stripe."
  }
}

variable "parcels" {
  type        = string
  default     = "none"
  description = "Who takes parcels. Nothing is booked before SHIPROCKET_DRY_RUN is false."

  validation {
    condition     = contains(["none", "shiprocket"], var.parcels)
    error_message = "none or shiprocket."
  }
}

variable "messages" {
  type        = string
  default     = "none"
  description = "Who sends messages to customers."

  validation {
    condition     = contains(["none", "meta", "twilio", "msg91", "wati"], var.messages)
    error_message = "none, meta, twilio, msg91 or wati."
  }
}

variable "issues" {
  type        = string
  default     = "none"
  description = "Where tickets are filed besides the console."

  validation {
    condition     = contains(["none", "jira"], var.issues)
    error_message = "none or jira."
  }
}

variable "documented_tables" {
  type        = bool
  default     = false
  description = "Whether records are kept also in the documented tables that other services read."
}

variable "reserve_tick" {
  type        = bool
  default     = true
  description = "Whether the clock has one execution reserved for itself. Accounts with the smallest quota of concurrent executions cannot reserve any: say no there, or have the quota raised."
}

variable "work_concurrency" {
  type        = number
  default     = 10
  description = "How many batches of runs are worked on at once, at most."

  validation {
    condition     = contains([2, 5, 10, 20, 50, 100, 200, 500, 1000], var.work_concurrency)
    error_message = "2, 5, 10, 20, 50, 100, 200, 500 or 1000."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "After how many days logs end."

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 731], var.log_retention_days)
    error_message = "7, 14, 30, 60, 90, 180, 365 or 731."
  }
}

variable "package" {
  type        = string
  default     = "../../dist/onpaid-aws-arm64.zip"
  description = "The package that all four functions are, as `make aws-package` builds it."
}
