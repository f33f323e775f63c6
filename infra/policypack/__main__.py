"""`pulumi preview --policy-pack infra/policypack`: the mandatory rules of this checkout."""

import sys
from pathlib import Path

# The engine starts a pack in its own directory, where the checkout's packages cannot be found.
sys.path.insert(0, str(Path(__file__).parents[2]))

from infra.pack import run

run()
