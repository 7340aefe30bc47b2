# SPDX-License-Identifier: Apache-2.0
"""values"""


def cases():
    yield from ()
