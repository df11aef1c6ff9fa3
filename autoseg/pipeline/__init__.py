"""The main job's steps, each from files in a workspace to files in a workspace."""
