"""What can be said of evaluations: tables by group, systems beside each other, agreement of readers and volumes."""
