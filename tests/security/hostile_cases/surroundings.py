# SPDX-License-Identifier: Apache-2.0
"""surroundings"""


def cases():
    yield from ()
