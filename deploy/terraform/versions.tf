# The same resources as deploy/aws/template.yaml, for those who have Terraform or OpenTofu. A test compares the two one
# by one, under several choices of the variables: whoever changes one changes the other.
#
# To be used as it is, from this folder, after `make aws-package`: AWS_REGION and AWS's other variables say where. Where
# the state is kept is left open (a file of your own with a backend block, as the deployment's workflow writes it).
# Nobody's secret is in here or gets into the state: functions are told names, and look the values up when they start.

terraform {
  # The first with write-only arguments, of both Terraform and OpenTofu.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # Everything is called {project}-{environment}-{kind}.
  name = "${var.project_name}-${var.environment}"
}
