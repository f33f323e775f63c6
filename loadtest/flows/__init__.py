"""Flows: shoppers that browse, click, order, pay and keep a profile, by Locust in processes of its own.

`locustfile` is the only module that imports locust, because importing it patches the whole process; the others
decide and start. Its latencies are those of a closed loop: for rates and recovery times there is `loadtest.drive`.
"""
