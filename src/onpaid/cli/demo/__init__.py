"""`onpaid demo`: a shop day against simulators that misbehave, with a live display and a proof at the end."""
