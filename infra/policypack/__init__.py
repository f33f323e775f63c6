"""The policy pack that the engine starts; its rules stand in `infra/rules`."""
