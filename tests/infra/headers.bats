#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check-headers: what compiles alone and what does not.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	dir=$BATS_TEST_TMPDIR
}

headers() {
	run "$top/scripts/check-headers" "${CC:-gcc}" -Wall -I"$dir" -- "$@"
}

@test "a header that includes what it uses passes" {
	printf '#pragma once\n#include <stddef.h>\nsize_t f(void);\nstruct s {\n\tint a;\n};\n' >"$dir/good.h"
	headers "$dir/good.h"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "a header that needs another one first is named" {
	printf '#pragma once\nsize_t f(void);\n' >"$dir/needy.h"
	printf '#pragma once\n' >"$dir/fine.h"
	headers "$dir/needy.h" "$dir/fine.h"
	[ "$status" -eq 1 ]
	[[ "$output" == *"needy.h: does not compile alone"* ]]
	[[ "$output" != *"fine.h: does not"* ]]
}

@test "a header without an include guard is named" {
	printf 'struct s {\n\tint a;\n};\n' >"$dir/unguarded.h"
	headers "$dir/unguarded.h"
	[ "$status" -eq 1 ]
}
