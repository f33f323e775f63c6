"""What past runs say: kept in SQLite, scored with decay, told to Prometheus."""
