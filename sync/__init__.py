"""Kafka bridge and warehouse loader: records cross a link exactly once, or the slice stops and says why.

Is: the enforcement point for records, the progress protocol on the target cluster, the PostgreSQL sink,
and `verify`, which shares no code with the loop. Is not: a schema registry, a consumer-group replicator,
or a judge of what is sensitive (the policy's streams say what may cross).
"""
