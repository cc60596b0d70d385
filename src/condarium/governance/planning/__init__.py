"""What is lent as files: laid beside what there is, planned, applied, imported, exported."""
