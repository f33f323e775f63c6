"""A Kubernetes API server as the controller sees it: one request, one watch, what is cached, what is decoded.

The official client is used for transport only (`client.py`): its informer never fills for custom objects, does not
back off, and hangs on a half-open watch. Nothing here knows of promotions beyond their object.
"""
