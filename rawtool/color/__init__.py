"""Camera RGB to XYZ to scene-linear to display-encoded, in pure numpy."""
