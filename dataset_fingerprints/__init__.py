"""Reading data sets, checking them and measuring what a plan depends on."""
