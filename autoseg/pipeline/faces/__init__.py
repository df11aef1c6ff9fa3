"""The public functions, as `import autoseg` offers them."""
