"""`python -m onpaid.cli`: the same as `onpaid`."""

from onpaid.cli import main

main()
