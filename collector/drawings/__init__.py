"""What pages and reports draw: a value's curve, a building's section. Numbers in, SVG text out."""
