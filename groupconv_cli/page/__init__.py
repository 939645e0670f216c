"""The page of a network: one HTML file with everything inside, from reports."""
