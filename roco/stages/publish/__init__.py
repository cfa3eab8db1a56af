"""The stage `release` and what it writes: tables, images, card, datasheet, attribution, tombstones, groups."""
