"""What is done with the records: the inbox, what operators see, and the proof."""
