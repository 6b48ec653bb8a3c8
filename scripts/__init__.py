"""What maintains the project: lock files and the scorecard."""
