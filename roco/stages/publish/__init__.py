"""The stage that writes a release, and what it writes: card, datasheet, attribution, tombstones, groups."""
