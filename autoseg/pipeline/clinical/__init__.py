"""Commands about lesions as stroke research measures them: loads, tables, maps, recovery."""
