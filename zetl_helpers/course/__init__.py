"""The course built on the helpers, with its exercises, instructor's kit, site and classroom."""
