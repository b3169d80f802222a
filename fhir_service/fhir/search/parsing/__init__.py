"""From the parameters of a request to a `Query`; what cannot be one is told with what could.

https://hl7.org/fhir/R4/search.html
"""
