"""GraphQL over the resources of this server.

https://hl7.org/fhir/R4/graphql.html
"""
