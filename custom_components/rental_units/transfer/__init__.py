"""The register as a file: CSV or Excel, in and out."""
