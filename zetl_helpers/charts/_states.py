"""The positions of the states of the United States on a grid of equal tiles."""

# One row per line, from west to east; a dot is an empty cell. Approximate positions; no state hides its neighbours.
_ROWS = """
 .  .  .  .  .  .  .  .  .  .  ME
AK  .  .  .  .  .  .  .  . VT  NH
 . WA MT ND MN WI  . MI  . NY  MA
 . ID WY SD IA IL IN OH PA NJ  CT
OR NV CO NE MO KY WV VA MD DE  RI
CA UT NM KS AR TN NC SC DC  .  .
 . AZ  . OK LA MS AL GA  .  .  .
HI  .  . TX  .  .  .  . FL  .  .
"""

TILES: dict[str, tuple[int, int]] = {
    code: (row, column)
    for row, line in enumerate(_ROWS.strip().splitlines())
    for column, code in enumerate(line.split())
    if code != "."
}
"""Row and column of the tile of each state and the District of Columbia, by two-letter code."""
ROWS = max(row for row, _ in TILES.values()) + 1
COLUMNS = max(column for _, column in TILES.values()) + 1
