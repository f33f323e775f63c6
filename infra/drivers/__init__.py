"""How a cluster comes to be: one module per driver, all behind `contract.Driver`."""
