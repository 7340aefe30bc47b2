# SPDX-License-Identifier: Apache-2.0
"""files"""


def cases():
    yield from ()
