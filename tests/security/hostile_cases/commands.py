# SPDX-License-Identifier: Apache-2.0
"""commands"""


def cases():
    yield from ()
