"""Published systems, each a recipe: `autoseg experiment list | show NAME | run NAME FOLD | compare NAME...`."""
