"""Networks as torch modules, one paper a file."""
