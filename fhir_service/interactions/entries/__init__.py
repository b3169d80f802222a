"""The entries of batches and transactions, and how those of a transaction become one commit.

https://hl7.org/fhir/R4/http.html#transaction
"""
