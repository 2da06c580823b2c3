"""The positions of the U.S. states on a grid of equal tiles."""

# Each line is a row of the grid, from west to east, and a dot is an empty cell. The positions are approximate, so that
# no state hides its neighbors.
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
"""The row and column of each state's tile, by two-letter code, including the District of Columbia."""
ROWS = max(row for row, _ in TILES.values()) + 1
COLUMNS = max(column for _, column in TILES.values()) + 1
