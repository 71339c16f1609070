"""Which unit the counts support: fits, intervals, goodness of fit, selection."""
