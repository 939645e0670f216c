"""Everything that needs Keras. Imported only by what builds, never by what analyzes."""
