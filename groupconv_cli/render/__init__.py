"""Reports → views → formats. No number is computed here but ratios; none is changed."""
