"""Files to frames and back: the only room that opens picture files."""
