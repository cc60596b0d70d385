"""`python -m condarium`: the command line, where no script is on the path."""

import sys

from condarium.cli.main import main

sys.exit(main())
