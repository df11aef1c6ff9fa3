"""What a workspace holds, as the parts of the report's page."""
