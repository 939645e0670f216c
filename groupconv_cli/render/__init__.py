"""Reports → views → formats. Only ratios are computed here, and no number is changed."""
