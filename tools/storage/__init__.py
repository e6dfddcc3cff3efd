"""Where bytes come in and go out: the only place that opens datasets."""
