"""Work that outlives its request: respond-async, reindexing, and the records that both keep.

https://hl7.org/fhir/R4/async.html
"""
