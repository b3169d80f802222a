"""An interoperable FHIR R4 (4.0.1) data service for community mental-health outreach in Japan."""

__version__ = "0.1.0"
