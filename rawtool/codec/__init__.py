"""The bytes of the sidecar. No networks, no files."""
