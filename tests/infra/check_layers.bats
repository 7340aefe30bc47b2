#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# check-layers on small trees: what it must refuse and what it must let pass.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"
}

# file PATH INCLUDE...
file() {
	local path=$tree/$1 inc
	shift
	mkdir -p "${path%/*}"
	echo '#include <stdio.h>' >"$path"
	for inc; do echo "#include \"$inc\"" >>"$path"; done
}

layers() {
	run "$top/scripts/check-layers" "$tree"
}

# refused FILE INCLUDE: it is the only complaint.
refused() {
	file "$@"
	layers
	[ "$status" -eq 1 ] || { echo "$1 may include $2" && return 1; }
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == "$1:2: "*" may not include \"$2\""* ]]
	rm "$tree/$1"
}

@test "downward includes pass" {
	file libcore/base/a.c base/a.h berth/err.h berth/log.h
	file libcore/kernel/a.c kernel/a.h base/a.h
	file libcore/spec/a.c spec/a.h tables/a.h berth/spec.h
	file libcore/mount/a.c mount/a.h spec/a.h kernel/a.h
	file libcore/container/a.c mount/a.h cgroup/a.h security/a.h namespace/a.h berth/container.h
	file runtime/a.c container/a.h shim/wire/a.h version.h runtime/b.h
	file shim/a.c base/a.h shim/b.h shim/wire/a.h
	file shim/wire/a.c shim/wire/a.h base/a.h
	file libcore/include/berth/container.h berth/spec.h berth/err.h
	layers
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "upward includes are refused" {
	refused libcore/base/a.c kernel/a.h
	refused libcore/base/a.c berth/spec.h
	refused libcore/kernel/a.h tables/a.h
	refused libcore/tables/a.c spec/a.h
	refused libcore/spec/a.c mount/a.h
	refused libcore/mount/a.c container/a.h
	refused libcore/mount/a.c berth/container.h
	refused libcore/container/a.c runtime/a.h
	refused libcore/include/berth/err.h base/a.h
	refused libcore/include/berth/spec.h berth/container.h
}

@test "siblings do not include each other" {
	local a b
	for a in namespace mount cgroup security; do
		for b in namespace mount cgroup security; do
			[ $a = $b ] || refused libcore/$a/x.c $b/x.h
		done
	done
}

@test "the shim knows nothing of containers, and libcore nothing of the shim" {
	refused shim/a.c spec/a.h
	refused shim/a.c berth/spec.h
	refused shim/a.c kernel/a.h
	refused shim/wire/a.c shim/a.h
	refused runtime/a.c shim/a.h
	refused libcore/container/a.c shim/wire/a.h
}

@test "an include that names no layer, and an unknown layer, are refused" {
	refused libcore/base/a.c other.h
	file libcore/extra/a.c base/a.h
	layers
	[ "$status" -eq 1 ]
	[[ "$output" == *'libcore/extra/a.c: the layer "extra" is not known'* ]]
}

@test "an indented include counts too" {
	mkdir -p "$tree/libcore/base"
	echo '  # include "mount/a.h"' >"$tree/libcore/base/a.c"
	layers
	[ "$status" -eq 1 ]
}
