# SPDX-License-Identifier: Apache-2.0
"""`python -m ipto`"""

from ipto.cli import main

main()
