"""Where the package that measures features is not installed."""

from __future__ import annotations

import subprocess
import sys


def test_without_the_package_it_is_said_how_to_get_it() -> None:
    code = (
        "import sys\nsys.modules['mirp'] = None\nimport numpy as np\n"
        "from autoseg.radiomics import measure_features\n"
        "try:\n    measure_features(np.zeros((3, 3, 3)), np.ones((3, 3, 3), bool), (1, 1, 1))\n"
        "except Exception as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == (
        "radiomics needs mirp, which is not installed. Install what it needs: pip install 'autoseg-lesion[radiomics]'."
    )
