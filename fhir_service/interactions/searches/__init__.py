"""What the search interactions share.

https://hl7.org/fhir/R4/search.html
"""
