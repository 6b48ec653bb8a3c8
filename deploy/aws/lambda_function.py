"""The entrance that was agreed for the nightly reconciliation: `lambda_function.lambda_handler`.

`make aws-package` puts this module beside onpaid, where Lambda looks for it. There is nothing in it but the name.
"""

from onpaid.aws_reconcile import lambda_handler

__all__ = ["lambda_handler"]
