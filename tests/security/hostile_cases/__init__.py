# SPDX-License-Identifier: Apache-2.0
"""The table of hostile inputs, by kind."""
from . import commands, document, fields, files, surroundings, values


def all_cases():
    for part in (document, fields, values, files, commands, surroundings):
        yield from part.cases()
